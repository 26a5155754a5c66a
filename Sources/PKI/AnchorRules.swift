package import Codecs
import SigningKeys

/// What speaks against registering a certificate as a trust anchor.
package struct AnchorFinding: Sendable, Hashable, CustomStringConvertible {
    package enum Rule: String, Sendable, Hashable, CaseIterable {
        /// Neither a CA nor self-signed: hosts would refuse the whole store.
        case notAnAnchor = "not-an-anchor"
        /// Timestamping stores take self-signed roots only.
        case notARoot = "not-a-root"
        /// A CA in the middle of a chain: allowed, but worth knowing.
        case intermediate
        /// A signing certificate that vouches for itself: allowed, but worth knowing.
        case selfSignedLeaf = "self-signed-leaf"
        /// Its basic constraints or key usage make every chain to it fail.
        case unusable
        case signatureAlgorithm = "signature-algorithm"
        case key
        case expired
        case notYetValid = "not-yet-valid"
    }

    package enum Severity: String, Sendable, Hashable {
        /// It cannot be registered.
        case refusal
        /// It can, and whoever approves should know.
        case notice
    }

    package let rule: Rule
    package let severity: Severity
    package let reason: String

    package var description: String { reason }
}

/// Which certificates may stand in a trust store, whoever asks.
package enum AnchorRules {
    /// What speaks against a certificate as an anchor for a purpose; empty when nothing does.
    package static func findings(
        for certificate: Certificate, purpose: ChainPurpose, at now: UTCDate
    ) -> [AnchorFinding] {
        strength(certificate) + place(certificate, purpose) + validity(certificate, now)
    }

    private static func strength(_ certificate: Certificate) -> [AnchorFinding] {
        var findings: [AnchorFinding] = []
        let algorithm = certificate.signatureAlgorithm
        if algorithm.usesBrokenHash {
            findings.append(refusal(.signatureAlgorithm, "it is signed with MD5 or SHA-1 (\(algorithm.identifier))"))
        } else if algorithm.scheme == nil {
            findings.append(
                refusal(.signatureAlgorithm, "it is signed with an unknown algorithm (\(algorithm.identifier))"))
        }
        if case .failure(let error) = certificate.key { findings.append(refusal(.key, error.reason)) }
        return findings
    }

    private static func place(_ certificate: Certificate, _ purpose: ChainPurpose) -> [AnchorFinding] {
        let isSelfSigned = certificate.isSelfSigned
        guard certificate.isCA else {
            guard isSelfSigned else {
                return [
                    refusal(
                        .notAnAnchor,
                        "it is neither a CA nor self-signed; give the certificate of the CA that issued it")
                ]
            }
            guard purpose == .codeSigning else {
                return [refusal(.notARoot, "a timestamping store takes root CAs only, and it is no CA")]
            }
            return [
                notice(.selfSignedLeaf, "it is a self-signed signing certificate: it cannot be replaced or revoked")
            ]
                + chainFindings(certificate, purpose)
        }
        var findings: [AnchorFinding] = []
        if !isSelfSigned {
            findings.append(
                purpose == .timestamping
                    ? refusal(.notARoot, "a timestamping store takes self-signed roots only")
                    : notice(
                        .intermediate, "it is an intermediate CA, issued by \"\(certificate.issuer.shortDescription)\"")
            )
        }
        return findings + unusable(certificate, purpose)
    }

    private static func unusable(_ certificate: Certificate, _ purpose: ChainPurpose) -> [AnchorFinding] {
        var findings: [AnchorFinding] = []
        if certificate.extensions.basicConstraints?.isCritical != true {
            findings.append(refusal(.unusable, "its basic constraints are not marked critical"))
        }
        let usage = certificate.extensions.keyUsage
        if usage?.usages.contains(.keyCertSign) != true {
            findings.append(refusal(.unusable, "its key usage does not allow signing certificates"))
        } else if purpose == .codeSigning, usage?.isCritical != true {
            findings.append(refusal(.unusable, "its key usage is not marked critical"))
        }
        return findings
    }

    /// A self-signed signing certificate is a chain of its own.
    private static func chainFindings(_ certificate: Certificate, _ purpose: ChainPurpose) -> [AnchorFinding] {
        ChainRules([certificate], purpose).findings()
            .filter { $0.rule != .key || certificate.publicKey != nil }
            .filter { $0.rule != .signatureAlgorithm }
            .map { refusal(.unusable, $0.reason) }
    }

    private static func validity(_ certificate: Certificate, _ now: UTCDate) -> [AnchorFinding] {
        if now > certificate.notAfter { return [refusal(.expired, "it expired at \(certificate.notAfter)")] }
        if now < certificate.notBefore {
            return [notice(.notYetValid, "it is not valid before \(certificate.notBefore)")]
        }
        return []
    }

    private static func refusal(_ rule: AnchorFinding.Rule, _ reason: String) -> AnchorFinding {
        AnchorFinding(rule: rule, severity: .refusal, reason: reason)
    }

    private static func notice(_ rule: AnchorFinding.Rule, _ reason: String) -> AnchorFinding {
        AnchorFinding(rule: rule, severity: .notice, reason: reason)
    }
}
