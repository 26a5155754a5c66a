import Codecs
import Foundation
import OCI
import PythonEnvironment
import SigningKeys
import Testing

@testable import ReleaseCriteria

/// Envelopes that securesystemslib makes: the library of in-toto's own tools.
@Suite struct PythonStatementTests {
    private static let script = """
        import json, sys
        from securesystemslib.dsse import Envelope
        from securesystemslib.signer import CryptoSigner
        kind, payload_type, payload = sys.argv[1], sys.argv[2], sys.argv[3].encode()
        signer = {"ed25519": CryptoSigner.generate_ed25519, "ecdsa": CryptoSigner.generate_ecdsa,
                  "rsa": CryptoSigner.generate_rsa}[kind]()
        envelope = Envelope(payload, payload_type, {})
        envelope.sign(signer)
        public = signer.public_key.keyval["public"]
        print(json.dumps({"public": public, "envelope": envelope.to_dict()}))
        """

    @Test(arguments: ["ed25519", "ecdsa", "rsa"])
    func `an envelope that securesystemslib signed is accepted, and one that was changed is not`(_ kind: String)
        async throws
    {
        guard try await PythonEnvironment.isAvailable() else { return }
        let payload = Fixture.statement(Provenance.versionOne, Fixture.provenance())
        let (status, output) = try PythonEnvironment.start(
            PythonEnvironment.python.path,
            ["-c", Self.script, kind, Statement.payloadType, String(decoding: payload, as: UTF8.self)])
        try #require(status == 0, "\(output)")
        let answer = try JSON(parsing: output).object("answer")
        let text = try answer.string("public", in: "answer")
        let key = try kind == "ed25519" ? PublicKey(ed25519: Hex.decode(text)) : PublicKey(pem: Array(text.utf8))
        let criteria = try ReleaseCriteria(
            ["provenance": Fixture.provenanceRule], attesters: [Attester("builder", key: key)])
        func isAllowed(_ evidence: JSON) throws -> Bool {
            try criteria.judge(
                ReleaseRequest(
                    key: "release", caller: "ci", artifact: Fixture.artifact, repository: nil, evidence: [evidence],
                    now: Fixture.now)
            ).decided(Record()).isAllowed
        }
        var envelope = try answer.object("envelope", in: "answer")
        #expect(try isAllowed(.object(envelope)))
        envelope["payload"] = .string(Base64.encode(payload + [0x20]))
        #expect(!(try isAllowed(.object(envelope))))
    }
}
