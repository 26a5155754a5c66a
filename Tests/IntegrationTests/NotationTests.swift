import Foundation
import SoftHSM
import Testing
import TestTokens

/// The Notary Project's own program and ours read each other's signatures. It is in no package of Debian's, so these
/// run where somebody has put it on the PATH or named it in NOTATION.
@Suite(.enabled(if: Notation.program != nil, "no notation on the PATH, and NOTATION names none"))
struct NotationTests {
    @Test(arguments: ["ec-p256", "ec-p384", "ec-p521", "rsa-2048", "rsa-3072", "rsa-4096"])
    func `notation accepts what a key of every type signed`(type: String) throws {
        try story(
            """
            make_key team \(type)
            notation_trusts "$registry/acme/app" '["ca:acme"]'
            for format in jws cose; do
                push_image acme/app "$format" "\(type) $format"
                expect 0 roadstead sign --key "file:$work/team.key" --passphrase-file "$work/passphrase" \\
                    --certificate-chain "$work/team/chain.pem" --format "$format" -m build=7 --expiry 24h \\
                    --insecure-registry "$registry/acme/app:$format"
                notation_accepts -m build=7 "$registry/acme/app:$format"
                expect 1 "$notation" verify --insecure-registry -m build=8 "$registry/acme/app:$format"
                expect 0 "$notation" inspect --insecure-registry "$registry/acme/app:$format"
                expect_text "build: 7"
            done
            """)
    }

    @Test func `notation accepts an index and each image in it`() throws {
        try story(
            """
            make_key team ec-p256
            notation_trusts "$registry/acme/app" '["ca:acme"]'
            push_image acme/app amd64 one
            push_image acme/app arm64 two
            push_index acme/app 1.0 amd64 arm64
            expect 0 roadstead sign --key "file:$work/team.key" --passphrase-file "$work/passphrase" \\
                --certificate-chain "$work/team/chain.pem" --insecure-registry "$registry/acme/app:1.0"
            for tag in 1.0 amd64 arm64; do notation_accepts "$registry/acme/app:$tag"; done
            """)
    }

    @Test(arguments: ["jws", "cose"])
    func `notation accepts the signature and the timestamp of an authority`(format: String) throws {
        try story(
            """
            make_key team ec-p384
            start_timestamps
            notation_trusts "$registry/acme/app" '["ca:acme", "signingAuthority:acme", "tsa:time"]'
            expect 0 "$notation" cert add --type tsa --store time "$work/tsa/root.crt"
            push_image acme/app stamped one
            expect 0 roadstead sign --key "file:$work/team.key" --passphrase-file "$work/passphrase" \\
                --certificate-chain "$work/team/chain.pem" --format \(format) --insecure-registry \\
                --timestamp-url "$tsa" --timestamp-root "$work/tsa/root.crt" "$registry/acme/app:stamped"
            notation_accepts "$registry/acme/app:stamped"
            expect 0 "$notation" inspect --insecure-registry "$registry/acme/app:stamped"
            expect_text "timestamp signature"
            push_image acme/app authority two
            expect 0 roadstead sign --key "file:$work/team.key" --passphrase-file "$work/passphrase" \\
                --certificate-chain "$work/team/chain.pem" --format \(format) --insecure-registry \\
                --signing-scheme notary.x509.signingAuthority "$registry/acme/app:authority"
            notation_accepts "$registry/acme/app:authority"
            """)
    }

    @Test(arguments: ["ec-p256", "ec-p384", "rsa-3072"])
    func `notation refuses a signer once the list of a CA of this type revokes it`(type: String) throws {
        try story(
            """
            mkdir "$work/www"
            start_web "$work/www"
            secret "$work/passphrase"
            expect 0 roadstead ca init --subject "C=US,ST=WA,O=acme,CN=acme root" --key-type \(type) --out "$work/ca" \\
                --crl-url "$web/ca.crl" --passphrase-file "$work/passphrase"
            expect 0 roadstead ca crl --ca "$work/ca" --publish "$work/www" --passphrase-file "$work/passphrase"
            expect 0 roadstead ca issue --ca "$work/ca" --subject "C=US,ST=WA,O=acme,CN=ci" --out "$work/ci" \\
                --passphrase-file "$work/passphrase"
            notation_trusts "$registry/acme/app" '["ca:acme"]'
            push_image acme/app 1.0 one
            expect 0 roadstead sign --key "file:$work/ci/signing.key" --passphrase-file "$work/passphrase" \\
                --certificate-chain "$work/ci/chain.pem" --insecure-registry "$registry/acme/app:1.0"
            export XDG_CACHE_HOME="$work/before"
            notation_accepts "$registry/acme/app:1.0"
            expect 0 roadstead ca revoke --ca "$work/ca" "$work/ci/signing.crt" --reason keyCompromise --yes
            expect 0 roadstead ca crl --ca "$work/ca" --publish "$work/www" --passphrase-file "$work/passphrase"
            # A host keeps a list until the next one is due: this is another host.
            export XDG_CACHE_HOME="$work/after"
            expect 1 "$notation" verify --insecure-registry "$registry/acme/app:1.0"
            """)
    }

    @Test(arguments: ["ec-p256", "rsa-3072"])
    func `notation signs by the plugin with a key file`(type: String) throws {
        try story(
            """
            make_key team \(type)
            install_plugin
            notation_trusts "$registry/acme/team" '["ca:acme"]'
            signs_for_notation team "file:$work/team.key" "certificate-chain=$work/team/chain.pem" \\
                "passphrase-file=$work/passphrase"
            """)
    }

    @Test func `notation signs by the plugin with a key on a token`() async throws {
        try await SoftHSM.withToken { softHSM in
            let token = RunningToken(
                module: SoftHSM.module, environment: softHSM.environment, pin: SoftHSM.pin,
                uri: "pkcs11:token=roadstead")
            try story(
                token,
                """
                authority
                expect 0 roadstead key generate --key-type ec-p384 "$TOKEN;object=team" --pin-file "$work/pin"
                certify_for_notation token "$TOKEN;object=team" --pin-file "$work/pin"
                install_plugin
                notation_trusts "$registry/acme/token" '["ca:acme"]'
                signs_for_notation token "$TOKEN;object=team" "certificate-chain=$work/token/chain.pem" \\
                    "pin-file=$work/pin"
                """)
        }
    }

    @Test(
        .enabled(if: Notation.signsFiles, "this notation knows nothing of files"), arguments: ["jws", "cose"])
    func `notation accepts the signature of a file, and we accept its own`(format: String) throws {
        try story(
            """
            make_key team ec-p256
            install_plugin
            expect 0 "$notation" cert add --type ca --store acme "$work/ca/ca.crt"
            cat >"$work/blobs.json" <<JSON
            {"version":"1.0","trustPolicies":[{"name":"files","signatureVerification":{"level":"strict"},
            "trustStores":["ca:acme"],"trustedIdentities":["*"],"globalPolicy":true}]}
            JSON
            expect 0 "$notation" blob policy import --force "$work/blobs.json"
            echo "a file" >"$work/ours"
            expect 0 roadstead blob sign --key "file:$work/team.key" --passphrase-file "$work/passphrase" \\
                --certificate-chain "$work/team/chain.pem" --format \(format) "$work/ours"
            expect 0 "$notation" blob verify --signature "$work/ours.\(format).sig" "$work/ours"
            echo "another file" >"$work/theirs"
            expect 0 "$notation" blob sign --id "file:$work/team.key" --plugin roadstead \\
                --plugin-config "certificate-chain=$work/team/chain.pem" \\
                --plugin-config "passphrase-file=$work/passphrase" --signature-format \(format) \\
                --signature-directory "$work" "$work/theirs"
            expect 0 roadstead blob verify --config "$XDG_CONFIG_HOME/notation" "$work/theirs"
            echo changed >>"$work/ours"
            expect 1 "$notation" blob verify --signature "$work/ours.\(format).sig" "$work/ours"
            """)
    }

    private func story(_ script: String) throws { try story(nil, script) }

    private func story(_ token: RunningToken?, _ script: String) throws {
        try Desk.using(token, environment: ["NOTATION": try #require(Notation.program)]) { desk in
            try desk.run(
                """
                . Tests/Support/stories/notation.sh
                trap end_children EXIT
                start_registry

                """ + script)
        }
    }
}

/// The program itself.
enum Notation {
    static let program: String? = {
        let environment = ProcessInfo.processInfo.environment
        let places = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/notation" }
        return ([environment["NOTATION"]].compactMap(\.self) + places)
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Whether it has the commands for files, which came after 1.3.
    static let signsFiles: Bool = {
        guard let program else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["blob", "--help"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}
