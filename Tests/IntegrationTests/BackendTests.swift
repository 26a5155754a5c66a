import Foundation
import KeyServices
import PythonEnvironment
import SoftHSM
import Testing
import TestTokens

/// Every place where a key can live signs an image that a host accepts, by the programs that people type.
@Suite struct BackendTests {
    @Test func `a key in an encrypted file signs an image that verifies`() throws {
        try Desk.using { desk in
            try desk.run(
                """
                secret "$work/pass"
                expect 0 roadstead key generate --key-type ec-p384 --out "$work/team.key" --passphrase-file "$work/pass"
                signs_with file "file:$work/team.key" --passphrase-file "$work/pass"
                """)
        }
    }

    @Test func `a key and chain in PKCS#12 sign an image that verifies`() throws {
        try Desk.using { desk in
            try desk.run(
                """
                secret "$work/pass"
                openssl ecparam -name prime256v1 -genkey -noout -out "$work/own.key" 2>/dev/null
                openssl req -x509 -new -key "$work/own.key" -subj /CN=first -days 2 -out "$work/own.crt"
                openssl pkcs12 -export -inkey "$work/own.key" -in "$work/own.crt" -out "$work/team.p12" \\
                    -passout "file:$work/pass"
                chmod 600 "$work/team.p12"
                signs_with pkcs12 "pkcs12:$work/team.p12" --passphrase-file "$work/pass"
                """)
        }
    }

    @Test func `a key in an ssh-agent signs an image that verifies`() throws {
        try Desk.using { desk in
            try desk.run(
                """
                export SSH_AUTH_SOCK="$work/agent.sock"
                ssh-agent -D -a "$SSH_AUTH_SOCK" >/dev/null 2>&1 & agent=$!
                trap 'kill -KILL "$agent"' EXIT
                for _ in $(seq 100); do [ -S "$SSH_AUTH_SOCK" ] && break; sleep 0.05; done
                ssh-keygen -q -t ecdsa -b 384 -N '' -C team -f "$work/ssh"
                ssh-add -q "$work/ssh"
                rm "$work/ssh"
                signs_with agent ssh-agent:team
                """)
        }
    }

    @Test(arguments: ["ec-p256", "ec-p384", "ec-p521", "rsa-2048", "rsa-3072", "rsa-4096"])
    func `a key on a PKCS#11 token signs an image that verifies`(type: String) async throws {
        try await SoftHSM.withToken { softHSM in
            let token = RunningToken(
                module: SoftHSM.module, environment: softHSM.environment, pin: SoftHSM.pin,
                uri: "pkcs11:token=roadstead")
            try Desk.using(token) { desk in
                try desk.run(
                    """
                    expect 0 roadstead key generate --key-type \(type) "$TOKEN;object=team" --pin-file "$work/pin"
                    signs_with \(type) "$TOKEN;object=team" --pin-file "$work/pin"
                    """)
            }
        }
    }

    @Test(.enabled(if: VirtualCard.obstacle == nil, "\(VirtualCard.obstacle ?? "")"))
    func `a USB token with a PIN for every signature signs an image that verifies`() async throws {
        try await VirtualCard.withCard { card in
            try Desk.using(card.token) { desk in
                try desk.run(#"signs_with card "$TOKEN;id=%02" --pin-file "$work/pin""#)
            }
        }
    }

    @Test func `a TPM signs an image that verifies`() async throws {
        try await SoftTPM.withTPM { tpm in
            try Desk.using(tpm.token) { desk in
                try desk.run(
                    """
                    expect 0 roadstead key generate --key-type ec-p256 "$TOKEN;object=team" --pin-file "$work/pin"
                    signs_with tpm "$TOKEN;object=team" --pin-file "$work/pin"
                    """)
            }
        }
    }

    @Test func `an HSM behind mutual TLS signs an image that verifies`() async throws {
        try await SoftHSM.withToken { softHSM in
            try await RemoteToken.serving(softHSM) { remote in
                try Desk.using(try remote.token()) { desk in
                    try desk.run(
                        """
                        expect 0 roadstead key generate --key-type ec-p256 "$TOKEN;object=team" --pin-file "$work/pin"
                        signs_with hsm "$TOKEN;object=team" --pin-file "$work/pin"
                        """)
                }
            }
        }
    }

    @Test func `every type of key in OpenBao signs an image that verifies`() async throws {
        guard let bao = try await OpenBao.shared() else { return }
        try sign(with: bao)
    }

    @Test func `every type of key in AWS KMS signs an image that verifies`() async throws {
        guard let aws = try await MiniStack.shared() else { return }
        try sign(with: aws)
    }

    @Test func `every type of key in Azure Key Vault and in Cloud KMS signs an image that verifies`() async throws {
        guard let clouds = try await Clouds.start() else { return }
        try sign(with: clouds.azure)
        try sign(with: clouds.google)
    }

    @Test(arguments: ["rsa-3072", "rsa-4096-sha256"])
    func `a key that Cloud KMS ties to another hash is refused for images wherever it is first named`(
        key: String
    ) async throws {
        guard let clouds = try await Clouds.start() else { return }
        try Desk.using(environment: clouds.googleEnvironment) { desk in
            try desk.run("refuses_for_images '\(clouds.googleURI(key))' 'Cloud KMS ties this key to RSA_SIGN_PSS_'")
        }
        #expect(try clouds.hits(":asymmetricSign") == 1)
    }

    private func sign(with service: any KeyService) throws {
        let keys = try service.makeKeys().filter { $0.key != "ed25519" }
        #expect(keys.count >= 4)
        for (type, uri) in keys {
            try Desk.using(environment: service.environment) { desk in try desk.run("signs_with \(type) '\(uri)'") }
        }
    }
}
