package import Codecs
package import SigningKeys

/// A timestamp whose signature holds, by an authority that leads to a trusted root, over bytes at hand.
package struct VerifiedTimestamp: Sendable {
    /// The token.
    package let der: [UInt8]
    /// The time that it names, in whole seconds.
    package let time: UTCDate
    /// The bounds within which the bytes certainly existed, the authority's accuracy allowed for.
    package let earliest: UTCDate
    package let latest: UTCDate
    package let policy: String
    package let hash: HashAlgorithm
    package let serialNumber: SerialNumber
    /// The authority's certificates, the signer first, the root last.
    package let chain: VerifiedChain

    private let imprint: [UInt8]

    fileprivate init(_ timestamp: UnverifiedTimestamp, chain: VerifiedChain) {
        let info = timestamp.info
        der = timestamp.der
        imprint = info.imprint
        time = info.time
        earliest = info.earliest
        latest = info.latest
        policy = info.policy
        hash = info.hash
        serialNumber = info.serialNumber
        self.chain = chain
    }

    /// Whether it is over these bytes.
    package func isOver(_ message: [UInt8]) -> Bool { hash.digest(of: message) == imprint }
}

extension UnverifiedTimestamp {
    /// Checks that this is a timestamp over `message`, that its one signer signed it, and that the signer is a
    /// time-stamping authority below one of `roots` whose certificates were all valid at the time that it names.
    /// [RFC 3161 §2.3, Notary signature-specification, "Timestamping Certificates"]
    ///
    /// Whether any of the certificates was revoked is not asked here.
    package func verified(
        over message: [UInt8], roots: some Collection<Certificate>
    ) throws(PKIError) -> VerifiedTimestamp {
        guard info.hash.digest(of: message) == info.imprint else {
            throw PKIError(.timestampMismatch, "the timestamp is for other bytes than these")
        }
        guard let leaf = certificates.first(where: signer.isNamed) else {
            throw PKIError(.timestampSignature, "the timestamp does not carry the certificate that its signer names")
        }
        guard signer.confirms(content, with: leaf) else {
            throw PKIError(.timestampSignature, "the timestamp was not signed by the key of its signer's certificate")
        }
        if let name = info.authority, name != leaf.subject {
            throw PKIError(
                .timestampSignature,
                "the timestamp says that it is from \"\(name.shortDescription)\" and was signed by \"\(leaf.subject.shortDescription)\""
            )
        }
        let ways = TimestampPath(certificates, roots: Array(roots))
        // Where no way was in force, the one that is there says what was wrong with it.
        guard let path = ways.path(from: leaf, at: info.time) ?? ways.path(from: leaf) else {
            throw PKIError(
                .timestampUntrusted,
                "the time-stamping authority \"\(leaf.subject.shortDescription)\" does not lead to a trusted root")
        }
        return VerifiedTimestamp(self, chain: try chain(path))
    }

    private func chain(_ path: [Certificate]) throws(PKIError) -> VerifiedChain {
        switch try UnverifiedChain(path).verified(for: .timestamping, at: info.time) {
        case .verified(let chain): return chain
        case .rejected(let findings):
            let reasons = findings.prefix(3).map(\.description).joined(separator: "; ")
            throw PKIError(.timestampUntrusted, "the chain of the time-stamping authority: \(reasons)")
        }
    }
}

/// Finds the way from a token's signer to a trusted root. The certificates of a token are a bag, in no order.
private struct TimestampPath {
    private let bag: [Certificate]
    private let roots: [Certificate]

    init(_ bag: [Certificate], roots: [Certificate]) {
        self.bag = bag
        self.roots = roots
    }

    /// The signer first, a root last; nil where there is no way. Every certificate is looked at once.
    ///
    /// - Parameter time: only issuers in force then are taken, since an authority's renewed certificate and the one before
    ///   it may lie side by side.
    func path(from leaf: Certificate, at time: UTCDate? = nil) -> [Certificate]? {
        guard let time else { return path(from: leaf) }
        return TimestampPath(bag.filter { $0.isValid(at: time) }, roots: roots.filter { $0.isValid(at: time) })
            .path(from: leaf)
    }

    private func path(from leaf: Certificate) -> [Certificate]? {
        var seen: Set<Certificate> = [leaf]
        return path(from: leaf, &seen)
    }

    private func path(from certificate: Certificate, _ seen: inout Set<Certificate>) -> [Certificate]? {
        if let root = roots.first(where: { isIssuer($0, of: certificate) }) { return [certificate, root] }
        for next in bag where !seen.contains(next) && isIssuer(next, of: certificate) {
            seen.insert(next)
            if let rest = path(from: next, &seen) { return [certificate] + rest }
        }
        return nil
    }

    private func isIssuer(_ issuer: Certificate, of certificate: Certificate) -> Bool {
        issuer != certificate && issuer.subject == certificate.issuer && certificate.isSigned(by: issuer)
    }
}
