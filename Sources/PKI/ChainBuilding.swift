package import Codecs
package import SigningKeys

extension Certificate {
    /// Puts the chain of a key together out of certificates in any order: the key's own, then one issuer after the other, up
    /// to one that signed itself or whose issuer is not there. Empty where no certificate is of this key.
    ///
    /// Nothing here is trust. Where several would do, as after a renewal, the one in force at `time` that began last counts.
    ///
    /// - Parameter preferred: certificates among which the key's own is looked for first.
    package static func chain(
        of key: PublicKey, among certificates: [Certificate], preferring preferred: [Certificate] = [],
        at time: UTCDate
    ) -> [Certificate] {
        let named = preferred.filter { $0.publicKey == key }
        let own = named.isEmpty ? certificates.filter { $0.publicKey == key } : named
        guard let leaf = best(own, at: time) else { return [] }
        var chain = [leaf]
        while let last = chain.last, chain.count < UnverifiedChain.maximumCertificates, !last.isSelfSigned {
            let issuers = certificates.filter { $0.subject == last.issuer && !chain.contains($0) }
            guard let issuer = best(issuers.filter { last.isSigned(by: $0) }, at: time) else { break }
            chain.append(issuer)
        }
        return chain
    }

    private static func best(_ candidates: [Certificate], at time: UTCDate) -> Certificate? {
        let inForce = candidates.filter { $0.isValid(at: time) }
        return (inForce.isEmpty ? candidates : inForce).max {
            ($0.notBefore, $0.notAfter) < ($1.notBefore, $1.notAfter)
        }
    }
}
