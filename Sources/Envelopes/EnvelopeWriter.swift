package import Codecs
package import PKI
package import SigningKeys

/// Makes signature envelopes as notation 1.3.2 writes them, field for field.
package struct EnvelopeWriter: Sendable {
    package let format: EnvelopeFormat
    /// The program that signs, such as `roadstead/1.0`.
    package let signingAgent: String
    package let scheme: SigningScheme
    /// Where the signature gets its timestamp; nil for none.
    package let timestamps: (any TimestampSource)?

    package init(
        format: EnvelopeFormat, signingAgent: String, scheme: SigningScheme = .x509,
        timestamps: (any TimestampSource)? = nil
    ) {
        self.format = format
        self.signingAgent = signingAgent
        self.scheme = scheme
        self.timestamps = timestamps
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
        let algorithm = try EnvelopeAlgorithm(usableBy: signer)
        if let outside = chain.first(where: { !$0.isValid(at: signingTime) }) {
            throw EnvelopeError(
                .chain,
                "the certificate \"\(outside.subject.shortDescription)\" is valid from \(outside.notBefore) to \(outside.notAfter), not now",
                hint: "sign with a certificate that is in force")
        }
        guard timestamps == nil || scheme == .x509 else {
            throw EnvelopeError(
                .scheme, "a signing authority vouches for the time itself, its signatures are not timestamped")
        }
        let draft = Draft(
            algorithm: algorithm, payload: artifact.payload(for: format), certificates: chain.map(\.der),
            scheme: scheme, signingTime: signingTime, expiry: expiry, signingAgent: signingAgent)
        let signed = format == .jws ? draft.jws : draft.cose
        let signature = try await verifiedSignature(
            by: signer, over: signed.bytes, scheme: algorithm.signatureScheme)
        let envelope = signed.envelope(signature, try await timestamp(over: signature, algorithm, chain))
        _ = try UnverifiedEnvelope(parsing: envelope, format: format).verified()
        return envelope
    }

    /// The token that the signature gets, held against this very signature and the times of its chain.
    private func timestamp(
        over signature: [UInt8], _ algorithm: EnvelopeAlgorithm, _ chain: [Certificate]
    ) async throws -> [UInt8]? {
        guard let timestamps else { return nil }
        let timestamp = try await timestamps.timestamp(over: signature, hash: algorithm.hash)
        if let problem = timestamp.problem(over: signature, chain: chain) { throw problem }
        return timestamp.der
    }
}

/// What a key has to sign, and how the signature, and a timestamp on it, make an envelope of it.
private struct SignedPart {
    let bytes: [UInt8]
    let envelope: (_ signature: [UInt8], _ timestamp: [UInt8]?) -> [UInt8]
}

/// Everything that goes into an envelope but the signature.
private struct Draft {
    let algorithm: EnvelopeAlgorithm
    let payload: [UInt8]
    let certificates: [[UInt8]]
    let scheme: SigningScheme
    let signingTime: UTCDate
    let expiry: UTCDate?
    let signingAgent: String

    private var timeName: String {
        scheme == .x509 ? AttributeName.signingTime : AttributeName.authenticSigningTime
    }

    /// An authority's time decides, so that it must be understood; a signer's own claim need not be.
    private var critical: [String] {
        [AttributeName.signingScheme] + (scheme == .x509 ? [] : [timeName])
            + (expiry == nil ? [] : [AttributeName.expiry])
    }

    /// Compact JSON with sorted members in the protected part.
    var jws: SignedPart {
        var protected = JSONObject([
            ("alg", .string(algorithm.rawValue)), ("crit", .array(critical.map(JSON.string))),
            ("cty", .string(TargetArtifact.contentType)),
        ])
        if let expiry { protected[AttributeName.expiry] = .string(expiry.description) }
        protected[AttributeName.signingScheme] = .string(scheme.rawValue)
        protected[timeName] = .string(signingTime.description)
        let protectedText = Base64.encode(JSON.object(protected).sorted.bytes, .url)
        let payloadText = Base64.encode(payload, .url)
        return SignedPart(bytes: Array("\(protectedText).\(payloadText)".utf8)) { signature, timestamp in
            var header = JSONObject()
            header[AttributeName.timestampSignature] = timestamp.map { .string(Base64.encode($0)) }
            header["x5c"] = .array(certificates.map { .string(Base64.encode($0)) })
            header[AttributeName.signingAgent] = .string(signingAgent)
            return JSON.object(
                JSONObject([
                    ("payload", .string(payloadText)), ("protected", .string(protectedText)),
                    ("header", .object(header)), ("signature", .string(Base64.encode(signature, .url))),
                ])
            ).bytes
        }
    }

    /// Deterministic CBOR; times are whole seconds with tag 1.
    var cose: SignedPart {
        var entries: [(CBOR, CBOR)] = [
            (.integer(COSELabel.algorithm), .integer(algorithm.coseLabel)),
            (.integer(COSELabel.critical), .array(critical.map(CBOR.text))),
            (.integer(COSELabel.contentType), .text(TargetArtifact.contentType)),
            (.text(AttributeName.signingScheme), .text(scheme.rawValue)),
            (.text(timeName), date(signingTime)),
        ]
        if let expiry { entries.append((.text(AttributeName.expiry), date(expiry))) }
        let protected = CBOR.map(CBORMap(entries)).encoded
        return SignedPart(bytes: COSELabel.signedBytes(protected: protected, payload: payload)) {
            signature, timestamp in
            var header: [(CBOR, CBOR)] = [
                (.integer(COSELabel.certificateChain), .array(certificates.map(CBOR.bytes))),
                (.text(AttributeName.signingAgent), .text(signingAgent)),
            ]
            if let timestamp { header.append((.text(AttributeName.timestampSignature), .bytes(timestamp))) }
            let parts: [CBOR] = [.bytes(protected), .map(CBORMap(header)), .bytes(payload), .bytes(signature)]
            return CBOR.tagged(COSELabel.signOneTag, .array(parts)).encoded
        }
    }

    private func date(_ date: UTCDate) -> CBOR { .tagged(COSELabel.epochTag, .integer(date.seconds)) }
}
