package import Codecs
import PKI
package import SigningKeys

extension DSSEEnvelope {
    /// A statement with one signature.
    ///
    /// - Parameter certificates: what vouches for the key, leaf first, DER; travels with the signature.
    package static func signed(
        _ payload: [UInt8], by signer: some Signer, certificates: [[UInt8]] = []
    ) async throws -> DSSEEnvelope {
        let unsigned = DSSEEnvelope(payloadType: Statement.payloadType, payload: payload, signatures: [])
        let signature = try await verifiedSignature(
            by: signer, over: unsigned.signedBytes, scheme: signer.publicKey.statementScheme)
        return DSSEEnvelope(
            payloadType: unsigned.payloadType, payload: payload,
            signatures: [Signature(bytes: signature, certificates: certificates)])
    }

    /// As it travels.
    package var json: JSON {
        let signatures = signatures.map { signature -> JSON in
            var object = JSONObject([("sig", .string(Base64.encode(signature.bytes)))])
            if !signature.certificates.isEmpty {
                object["cert"] = .string(
                    signature.certificates.map { PEMBlock(label: "CERTIFICATE", bytes: $0).text }.joined())
            }
            return .object(object)
        }
        return [
            "payloadType": .string(payloadType), "payload": .string(Base64.encode(payload)),
            "signatures": .array(signatures),
        ]
    }
}
