package import PKI
import SigningKeys

/// An envelope whose signature, chain and payload hold together. Whether its signer is to be trusted is another question.
package struct VerifiedEnvelope: Sendable {
    package let format: EnvelopeFormat
    package let algorithm: EnvelopeAlgorithm
    package let attributes: SignedAttributes
    package let artifact: TargetArtifact
    /// The leaf first, the root last.
    package let chain: VerifiedChain
    package let signature: [UInt8]
    package let signingAgent: String?
    package let timestampSignature: [UInt8]?

    package var leaf: Certificate { chain.leaf }

    fileprivate init(_ envelope: UnverifiedEnvelope, artifact: TargetArtifact, chain: VerifiedChain) {
        format = envelope.format
        algorithm = envelope.algorithm
        attributes = envelope.attributes
        self.artifact = artifact
        self.chain = chain
        signature = envelope.signature
        signingAgent = envelope.signingAgent
        timestampSignature = envelope.timestampSignature
    }
}

extension UnverifiedEnvelope {
    /// Checks that the chain follows the Notary Project's rules, that the algorithm is the one that follows from the
    /// leaf's key, that this key signed exactly these bytes, and that the payload names an artifact.
    ///
    /// Validity in time is not judged here: it depends on what the verifier believes about the time of signing.
    package func verified() throws(EnvelopeError) -> VerifiedEnvelope {
        let chain = try certificateChain()
        guard let key = chain.leaf.publicKey, let required = EnvelopeAlgorithm(key.type) else {
            throw EnvelopeError(.algorithm, "the key of the signing certificate cannot sign for the Notary Project")
        }
        guard algorithm == required else {
            throw EnvelopeError(
                .algorithm,
                "the envelope names the algorithm \(algorithm.rawValue), a key of type \(key.type) makes \(required.rawValue)"
            )
        }
        guard key.isValid(signature: signature, over: signedBytes, scheme: algorithm.signatureScheme) else {
            throw EnvelopeError(.signature, "the signature was not made by this certificate's key over these bytes")
        }
        return VerifiedEnvelope(self, artifact: try TargetArtifact(payload: payload), chain: chain)
    }

    private func certificateChain() throws(EnvelopeError) -> VerifiedChain {
        let chain: UnverifiedChain
        do throws(PKIError) { chain = try UnverifiedChain(der: certificates) } catch {
            throw EnvelopeError(.chain, "the envelope's certificate chain: \(error.reason)")
        }
        switch chain.verified(for: .codeSigning) {
        case .verified(let chain): return chain
        case .rejected(let findings):
            let reasons = findings.prefix(3).map(\.description).joined(separator: "; ")
            throw EnvelopeError(
                .chain, "the certificate chain breaks the Notary Project's rules: \(reasons)",
                hint: "a chain is the signing certificate, its issuers in order, and the self-signed root")
        }
    }
}
