package import Codecs
package import PKI
package import SigningKeys

/// Makes signature envelopes as notation 1.3.2 writes them, field for field, in the scheme `notary.x509`.
package struct EnvelopeWriter: Sendable {
    package let format: EnvelopeFormat
    /// The program that signs, such as `roadstead/1.0`.
    package let signingAgent: String

    package init(format: EnvelopeFormat, signingAgent: String) {
        self.format = format
        self.signingAgent = signingAgent
    }

    /// Signs an artifact and returns the envelope, verified whole with the leaf's key.
    ///
    /// - Parameters:
    ///   - chain: the leaf's certificate first, up to the root.
    ///   - expiry: after this moment the signature is no longer believed; nil for never.
    package func sign(
        _ artifact: TargetArtifact, chain: [Certificate], signer: some Signer, at signingTime: UTCDate, expiry: UTCDate?
    ) async throws -> [UInt8] {
        guard let leaf = chain.first, leaf.publicKey == signer.publicKey else {
            throw EnvelopeError(
                .key, "the signing key does not belong to the first certificate of the chain",
                hint: "the chain begins with the certificate of the key that signs, then its issuers up to the root")
        }
        guard let algorithm = EnvelopeAlgorithm(signer.publicKey.type) else {
            throw EnvelopeError(
                .key, "a key of type \(signer.publicKey.type) cannot sign for the Notary Project",
                hint: "use RSA 2048, 3072 or 4096, or EC P-256, P-384 or P-521")
        }
        if let outside = chain.first(where: { !$0.isValid(at: signingTime) }) {
            throw EnvelopeError(
                .chain,
                "the certificate \"\(outside.subject.shortDescription)\" is valid from \(outside.notBefore) to \(outside.notAfter), not now",
                hint: "sign with a certificate that is in force")
        }
        let draft = Draft(
            algorithm: algorithm, payload: artifact.payload(for: format), certificates: chain.map(\.der),
            signingTime: signingTime, expiry: expiry, signingAgent: signingAgent)
        let envelope =
            format == .jws
            ? try await draft.jws(signedBy: signer) : try await draft.cose(signedBy: signer)
        _ = try UnverifiedEnvelope(parsing: envelope, format: format).verified()
        return envelope
    }
}

/// Everything that goes into an envelope but the signature.
private struct Draft {
    let algorithm: EnvelopeAlgorithm
    let payload: [UInt8]
    let certificates: [[UInt8]]
    let signingTime: UTCDate
    let expiry: UTCDate?
    let signingAgent: String

    private var critical: [String] {
        [AttributeName.signingScheme] + (expiry == nil ? [] : [AttributeName.expiry])
    }

    /// Compact JSON with sorted members in the protected part.
    func jws(signedBy signer: some Signer) async throws -> [UInt8] {
        var protected = JSONObject([
            ("alg", .string(algorithm.rawValue)), ("crit", .array(critical.map(JSON.string))),
            ("cty", .string(TargetArtifact.contentType)),
        ])
        if let expiry { protected[AttributeName.expiry] = .string(expiry.description) }
        protected[AttributeName.signingScheme] = .string(SigningScheme.x509.rawValue)
        protected[AttributeName.signingTime] = .string(signingTime.description)
        let protectedText = Base64.encode(JSON.object(protected).sorted.bytes, .url)
        let payloadText = Base64.encode(payload, .url)
        let signature = try await verifiedSignature(
            by: signer, over: Array("\(protectedText).\(payloadText)".utf8), scheme: algorithm.signatureScheme)
        let header = JSONObject([
            ("x5c", .array(certificates.map { .string(Base64.encode($0)) })),
            (AttributeName.signingAgent, .string(signingAgent)),
        ])
        return JSON.object(
            JSONObject([
                ("payload", .string(payloadText)), ("protected", .string(protectedText)), ("header", .object(header)),
                ("signature", .string(Base64.encode(signature, .url))),
            ])
        ).bytes
    }

    /// Deterministic CBOR; times are whole seconds with tag 1.
    func cose(signedBy signer: some Signer) async throws -> [UInt8] {
        var entries: [(CBOR, CBOR)] = [
            (.integer(COSELabel.algorithm), .integer(algorithm.coseLabel)),
            (.integer(COSELabel.critical), .array(critical.map(CBOR.text))),
            (.integer(COSELabel.contentType), .text(TargetArtifact.contentType)),
            (.text(AttributeName.signingScheme), .text(SigningScheme.x509.rawValue)),
            (.text(AttributeName.signingTime), date(signingTime)),
        ]
        if let expiry { entries.append((.text(AttributeName.expiry), date(expiry))) }
        let protected = CBOR.map(CBORMap(entries)).encoded
        let signature = try await verifiedSignature(
            by: signer, over: COSELabel.signedBytes(protected: protected, payload: payload),
            scheme: algorithm.signatureScheme)
        let header = CBORMap([
            (.integer(COSELabel.certificateChain), .array(certificates.map(CBOR.bytes))),
            (.text(AttributeName.signingAgent), .text(signingAgent)),
        ])
        let parts: [CBOR] = [.bytes(protected), .map(header), .bytes(payload), .bytes(signature)]
        return CBOR.tagged(COSELabel.signOneTag, .array(parts)).encoded
    }

    private func date(_ date: UTCDate) -> CBOR { .tagged(COSELabel.epochTag, .integer(date.seconds)) }
}
