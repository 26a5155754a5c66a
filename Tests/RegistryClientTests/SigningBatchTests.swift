import Codecs
import NIOCore
import NIOSSL
import OCI
import TestRegistries
import Testing

@testable import RegistryClient

/// Many images of one command line, signed by the programs themselves.
@Suite struct SigningBatchTests {
    private static let sign = "roadstead sign \(SigningPlace.key)"

    /// So many images, each with a tag of its own, in repositories of their own.
    private func images(_ count: Int, in double: RegistryDouble) -> [Digest] {
        (0..<count).map { number in
            let manifest = Manifest(
                config: Descriptor(of: Array("{}".utf8), mediaType: MediaType.emptyJSON), layers: [],
                annotations: ["name": "\(number)"]
            ).bytes
            double.put(manifest: manifest, "team/app\(number)", tag: "1.0")
            return Digest(of: manifest)
        }
    }

    private func names(_ count: Int, at host: String) -> String {
        (0..<count).map { "\(host)/team/app\($0):1.0\n" }.joined()
    }

    private func signatures(of digest: Digest, in double: RegistryDouble) -> Int {
        double.manifests.filter {
            $0.key.contains(" sha256:") && (try? Manifest(parsing: $0.value.bytes))?.subject?.digest == digest
        }.count
    }

    private func states(_ output: String) throws -> [String?] {
        try JSON(parsing: output).objectOrNil?["images"]?.arrayOrNil?.map { $0.objectOrNil?["state"]?.stringOrNil }
            ?? []
    }

    @Test func `images are signed several at a time, and told of in the order in which they are named`() async throws {
        let double = RegistryDouble()
        let digests = images(12, in: double)
        // The first takes longest, so that its line is what the others wait for.
        double.change { $0.delay = .milliseconds(40) }
        double.next("GET", "app0/manifests/1.0", .answer(.init(status: 503, headers: [("Retry-After", "1")])))
        try await SigningPlace.with { place in
            try await double.run { host in
                try place.write("images", names(12, at: host))
                let signed = try await place.run("\(Self.sign) --insecure-registry --jobs 3 --file images")
                #expect(signed.status == 0, "\(signed.errors)")
                let lines = signed.output.split(separator: "\n").filter { $0.hasPrefix("signed ") }
                #expect(lines.count == 12)
                for (number, line) in lines.enumerated() {
                    #expect(line.hasPrefix("signed \(host)/team/app\(number)@\(digests[number]) as "))
                }
                #expect(signed.errors.hasSuffix("roadstead: 12 images: 12 signed\n"))
            }
        }
        #expect((2...3).contains(double.mostInFlight), "\(double.mostInFlight)")
        for digest in digests { #expect(signatures(of: digest, in: double) == 1) }
    }

    @Test func `one image under two names is signed by one after the other`() async throws {
        let double = RegistryDouble()
        let image = SampleImage().manifests[0]
        double.put(manifest: image, "team/app", tag: "1.0")
        double.put(manifest: image, "team/app", tag: "latest")
        try await SigningPlace.with { place in
            try await double.run { host in
                let signed = try await place.run(
                    "\(Self.sign) --insecure-registry --skip-signed -o json \(host)/team/app:1.0 \(host)/team/app:latest"
                )
                #expect(signed.status == 0, "\(signed.errors)")
                #expect(Set(try states(signed.output)) == ["signed", "left"])
            }
        }
        #expect(signatures(of: Digest(of: image), in: double) == 1)
    }

    @Test func `a long run says on a terminal how far it is`() async throws {
        let double = RegistryDouble()
        _ = images(6, in: double)
        double.change { $0.delay = .milliseconds(150) }
        try await SigningPlace.with { place in
            try await double.run { host in
                try place.write("images", names(6, at: host) + "\(host)/team/absent:1.0\n")
                let command = "\(Self.sign) --insecure-registry --jobs 1 --file images"
                let shown = try await place.run("script -qefc '\(command)' /dev/null < /dev/null")
                #expect(shown.status == 3)
                let text = shown.output.replacing("\r\n", with: "\n")
                #expect((1...6).contains { text.contains("roadstead: \($0)/7 signed\n") }, "\(text)")
                #expect(shown.output.contains("7 images: 6 signed, 1 failed"))
                let quiet = try await place.run(command)
                #expect(!quiet.errors.contains("/7 signed"))
            }
        }
    }

    @Test func `an interruption finishes what is begun, begins nothing else and says what is left`() async throws {
        let double = RegistryDouble()
        let digests = images(20, in: double)
        double.change { $0.delay = .milliseconds(120) }
        try await SigningPlace.with { place in
            try await double.run { host in
                try place.write("images", names(20, at: host))
                let command = "\(Self.sign) --insecure-registry --jobs 2 -o json --file images"
                let ended = try await place.run(
                    "timeout --preserve-status -s INT 3 \(command) > report; echo $? > status; cat report")
                #expect(ended.errors.contains("what is begun is finished, nothing else is begun"), "\(ended.errors)")
                let states = try states(ended.output)
                let signed = states.prefix { $0 == "signed" }.count
                #expect((1..<20).contains(signed))
                #expect(states.dropFirst(signed).allSatisfy { $0 == "not begun" })
                #expect(try await place.run("cat status").output == "3\n")
                for (number, digest) in digests.enumerated() {
                    #expect(signatures(of: digest, in: double) == (number < signed ? 1 : 0))
                }
            }
        }
    }

    @Test func `a dry run signs nothing, whatever key it is about`() async throws {
        let double = RegistryDouble()
        let digests = images(2, in: double)
        try await SigningPlace.with { place in
            try await double.run { host in
                try place.write("images", names(2, at: host))
                let dry = try await place.run("\(Self.sign) --insecure-registry --dry-run --file images")
                #expect(dry.status == 0, "\(dry.errors)")
                #expect(dry.output.contains("would sign \(host)/team/app0@\(digests[0]) as CN=CI"))
                #expect(dry.output.contains("would sign 1, left 0"))
                #expect(!dry.output.contains("signature sha256:"))
                let blob = try await place.run("roadstead blob sign \(SigningPlace.key) --dry-run images")
                #expect(blob.status == 0, "\(blob.errors)")
                #expect(try await place.run("ls images*").output == "images\n")
            }
        }
        for digest in digests { #expect(signatures(of: digest, in: double) == 0) }
    }

    @Test func `who signs again is told how often the certificate signed before`() async throws {
        let double = RegistryDouble()
        _ = images(1, in: double)
        try await SigningPlace.with { place in
            try await double.run { host in
                let command = "\(Self.sign) --insecure-registry \(host)/team/app0:1.0"
                #expect(try await !place.run(command).errors.contains("already"))
                _ = try await place.run(command)
                let third = try await place.run("\(command) -o json")
                #expect(third.errors.contains("bore 2 signature(s) by this certificate already"), "\(third.errors)")
                #expect(third.errors.contains("hint: --skip-signed"))
                #expect(third.output.contains(#""skipped":false,"earlierSignatures":2"#))
                let left = try await place.run("\(command) --skip-signed")
                #expect(!left.errors.contains("already") && left.output.hasPrefix("left "))
            }
        }
    }

    @Test func `a registry with a certificate of an own authority is believed only when that is named`() async throws {
        let double = RegistryDouble()
        let digest = images(1, in: double)[0]
        try await SigningPlace.with { place in
            let made = try await place.run(
                """
                for name in server other; do
                  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name" \
                    -addext subjectAltName=IP:127.0.0.1 -keyout $name.key -out $name.crt 2>/dev/null || exit 1
                done
                """)
            try #require(made.status == 0)
            let tls = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: try NIOSSLCertificate.fromPEMFile("\(place.folder)/server.crt").map {
                        .certificate($0)
                    }, privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(place.folder)/server.key", format: .pem))))
            try await double.run(tls: tls) { host in
                for authority in ["", "--registry-ca other.crt"] {
                    let refused = try await place.run("\(Self.sign) \(authority) \(host)/team/app0:1.0")
                    #expect(refused.status == 3)
                    #expect(refused.errors.contains("no safe connection to \(host)"), "\(refused.errors)")
                    #expect(refused.errors.contains("hint: name the certificates that vouch for it with --registry-ca"))
                }
                #expect(double.asked.isEmpty)
                let unread = try await place.run("\(Self.sign) --registry-ca ci/signing.key \(host)/team/app0:1.0")
                #expect(unread.status == 3 && unread.errors.contains("cannot be read"), "\(unread.errors)")
                let signed = try await place.run("\(Self.sign) --registry-ca server.crt \(host)/team/app0:1.0")
                #expect(signed.status == 0, "\(signed.errors)")
                let listed = try await place.run("roadstead ls --registry-ca server.crt -o yaml \(host)/team/app0:1.0")
                #expect(listed.status == 0 && listed.output.contains("digest: \"\(digest)\""), "\(listed.output)")
            }
        }
        #expect(signatures(of: digest, in: double) == 1)
    }
}
