import Foundation
import PythonEnvironment
import SoftHSM
import Testing

/// Keys where they live, from their making to a signature, with the programs as they are installed.
@Suite(.timeLimit(.minutes(5))) struct KeyStoryTests {
    private static func shell(_ script: String, _ softHSM: SoftHSM) throws -> (status: Int32, output: String) {
        var environment = softHSM.environment
        environment["PATH"] =
            "\(Bundle.main.bundlePath):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"
        environment["PIN"] = softHSM.pinFile
        environment["HOME"] = softHSM.directory.path
        environment["ROADSTEAD_PKCS11_MODULE"] = SoftHSM.module
        let start = "set -euo pipefail; cd '\(softHSM.directory.path)'\n"
        return try PythonEnvironment.start("/usr/bin/env", ["bash", "-c", start + script], environment: environment)
    }

    @Test func `a root on a token issues for a key on a token, which asks, gets its chain and signs for notation`()
        async throws
    {
        try await SoftHSM.withToken { softHSM in
            let (status, output) = try Self.shell(
                """
                ca='pkcs11:token=roadstead;object=ca' ci='pkcs11:token=roadstead;object=ci'
                roadstead key generate --key-type ec-p384 "$ca" --pin-file "$PIN"
                roadstead key generate --key-type ec-p256 "$ci" --pin-file "$PIN"
                roadstead ca init --key "$ca" --pin-file "$PIN" --subject 'C=US, ST=WA, O=Acme, CN=Root' --out ca
                roadstead key csr "$ci" --pin-file "$PIN" --subject 'C=US, ST=WA, O=Acme, CN=CI' --out ci.csr
                openssl req -in ci.csr -verify -noout
                roadstead ca issue --ca ca --key "$ca" --pin-file "$PIN" --csr ci.csr --out issued
                openssl verify -CAfile ca/ca.crt issued/signing.crt
                roadstead key import --certificate-chain issued/chain.pem "$ci" --pin-file "$PIN"
                roadstead key test "$ci" --pin-file "$PIN"
                ln -s "$(command -v roadstead)" notation-roadstead
                printf '{"contractVersion":"1.0","keyId":"%s","pluginConfig":{"pin-file":"%s"}}' "$ci" "$PIN" \
                    | ./notation-roadstead describe-key
                printf '{"contractVersion":"1.0","keyId":"%s","keySpec":"EC-256","hashAlgorithm":"SHA-256","payload":"YWJj","pluginConfig":{"pin-file":"%s","certificate-chain":"issued/chain.pem"}}' "$ci" "$PIN" \
                    | ./notation-roadstead generate-signature
                roadstead ca renew --ca ca --key "$ca" --pin-file "$PIN" issued/signing.crt --out renewed
                roadstead ca revoke --ca ca issued/signing.crt --reason superseded --yes
                roadstead ca crl --ca ca --key "$ca" --pin-file "$PIN" --out ca.pem
                openssl verify -crl_check -CRLfile ca.pem -CAfile ca/ca.crt renewed/signing.crt
                ! openssl verify -crl_check -CRLfile ca.pem -CAfile ca/ca.crt issued/signing.crt
                """, softHSM)
            #expect(status == 0, "\(output)")
            #expect(output.contains("issued/signing.crt: OK"))
            #expect(output.contains("renewed/signing.crt: OK") && output.contains("certificate revoked"))
            #expect(output.contains("ES256, as CN=CI"))
            #expect(output.contains(#""keySpec":"EC-256""#))
            #expect(output.contains(#""signingAlgorithm":"ECDSA-SHA-256""#))
            #expect(!output.contains(SoftHSM.pin))
        }
    }

    @Test func `a key in an agent asks for its certificate and shows what it is good for`() async throws {
        try await SoftHSM.withToken { softHSM in
            let (status, output) = try Self.shell(
                """
                eval "$(ssh-agent -a "$PWD/agent")" >/dev/null; trap 'kill -KILL "$SSH_AGENT_PID"' EXIT
                ssh-keygen -q -t ecdsa -b 384 -N '' -C team -f key; ssh-add -q key; rm key
                roadstead key list ssh-agent:
                roadstead key test ssh-agent:team
                roadstead key csr ssh-agent:team --subject 'C=US, ST=WA, O=Acme, CN=Dev' --out dev.csr
                openssl req -in dev.csr -verify -noout
                echo '{"allow":["pkcs11"]}' >policy.json
                ! ROADSTEAD_SIGNING_POLICY=policy.json roadstead key test ssh-agent:team
                """, softHSM)
            #expect(status == 0, "\(output)")
            #expect(output.contains("ssh-agent:SHA256:") && output.contains("ES384"))
            #expect(output.contains("does not allow keys of the kind ssh-agent:"))
        }
    }
}
