package import PKI
package import SigningKeys

/// Gets timestamps: asks an authority, and verifies what it answers up to a root that the signer trusts.
package protocol TimestampSource: Sendable {
    func timestamp(over signature: [UInt8], hash: HashAlgorithm) async throws -> VerifiedTimestamp
}

extension VerifiedTimestamp {
    /// What keeps it from being the timestamp of a signature by a chain: other bytes, or a time at which a certificate
    /// of the chain was not valid. [Notary trust-store-trust-policy, "Authentic Timestamp"]
    package func problem(over signature: [UInt8], chain: [Certificate]) -> EnvelopeError? {
        guard isOver(signature) else {
            return EnvelopeError(.timestamp, "the timestamp is for another signature")
        }
        guard let outside = chain.first(where: { !$0.isValid(at: earliest) || !$0.isValid(at: latest) }) else {
            return nil
        }
        return EnvelopeError(
            .timestamp,
            "the timestamp is of \(time), and the certificate \"\(outside.subject.shortDescription)\" is valid from "
                + "\(outside.notBefore) to \(outside.notAfter)")
    }
}
