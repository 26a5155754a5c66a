import Codecs
import SigningKeys

/// The Notary signature specification's certificate requirements over an ordered list, which are not RFC 5280's: no path
/// is built, and of the extensions only basic constraints, key usage and extended key usage count, critical or not.
struct ChainRules {
    private let chain: [Certificate]
    private let purpose: ChainPurpose
    private var found: [ChainFinding] = []

    init(_ chain: [Certificate], _ purpose: ChainPurpose) {
        self.chain = chain
        self.purpose = purpose
    }

    consuming func findings() -> [ChainFinding] {
        for index in chain.indices {
            checkSignatureAlgorithm(index)
            if index == 0 {
                checkLeaf()
            } else {
                checkAuthority(index)
            }
            if index == chain.count - 1 {
                checkRoot(index)
            } else {
                checkLink(index)
            }
        }
        return found
    }

    private mutating func report(_ index: Int, _ rule: ChainRule, _ reason: String) {
        found.append(
            ChainFinding(index: index, subject: chain[index].subject.shortDescription, rule: rule, reason: reason))
    }

    // Other requirements 1: the certificates are ordered, each issued by the next, and end with the root.

    private mutating func checkLink(_ index: Int) {
        let (certificate, issuer) = (chain[index], chain[index + 1])
        if certificate.issuer.isEmpty || certificate.issuer != issuer.subject {
            report(
                index, .issuerName,
                "its issuer is \"\(certificate.issuer.shortDescription)\", but the next certificate is "
                    + "\"\(issuer.subject.shortDescription)\"")
        } else if !certificate.isSigned(by: issuer) {
            report(index, .issuerSignature, "the key of the next certificate does not confirm its signature")
        } else if certificate.isSelfSigned {
            report(index, .selfSignedBelowRoot, "it is self-signed and not the last of the chain")
        }
    }

    private mutating func checkRoot(_ index: Int) {
        let root = chain[index]
        if root.subject.isEmpty {
            report(index, .rootSelfSigned, "it ends the chain and has no name")
        } else if !root.isSelfIssued {
            report(
                index, .rootSelfSigned,
                "it ends the chain but is issued by \"\(root.issuer.shortDescription)\": the root is missing")
        } else if !root.isSigned(by: root) {
            report(index, .rootSelfSigned, "it ends the chain but its own key does not confirm its signature")
        }
    }

    // Other requirements 3, Key Length

    private mutating func checkSignatureAlgorithm(_ index: Int) {
        let algorithm = chain[index].signatureAlgorithm
        if algorithm.usesBrokenHash {
            report(index, .signatureAlgorithm, "it is signed with MD5 or SHA-1 (\(algorithm.identifier))")
        } else if algorithm.scheme == nil {
            report(index, .signatureAlgorithm, "it is signed with an unknown algorithm (\(algorithm.identifier))")
        }
        if case .failure(let error) = chain[index].key { report(index, .key, error.reason) }
    }

    // Root and Intermediate CA Certificates

    private mutating func checkAuthority(_ index: Int) {
        let extensions = chain[index].extensions
        switch extensions.basicConstraints {
        case nil: report(index, .basicConstraints, "it issues certificates but has no basic constraints")
        case .some(let constraints) where !constraints.isCA:
            report(index, .basicConstraints, "it issues certificates but is not marked as a CA")
        case .some(let constraints):
            if !constraints.isCritical {
                report(index, .basicConstraints, "its basic constraints are not marked critical")
            }
            if let allowed = constraints.pathLength, allowed < index - 1 {
                report(
                    index, .pathLength,
                    "it allows \(allowed) CA certificates below it, but the chain has \(index - 1)")
            }
        }
        if let usage = checkedKeyUsage(index), !usage.contains(.keyCertSign) {
            report(index, .keyUsage, "its key usage does not allow signing certificates")
        }
    }

    // Leaf Certificates

    private mutating func checkLeaf() {
        let leaf = chain[0]
        if leaf.isCA { report(0, .basicConstraints, "it is a CA, which must not sign anything but certificates") }
        if let usage = checkedKeyUsage(0) { checkLeafKeyUsage(usage) }
        checkExtendedKeyUsage(leaf.extensions.extendedKeyUsage)
        if let key = leaf.publicKey, !Self.leafKeys.contains(key.type) {
            report(
                0, .key, "its key is \(key.type); signing keys are RSA 2048, 3072 or 4096, or EC P-256, P-384 or P-521")
        }
    }

    private mutating func checkLeafKeyUsage(_ usage: Set<KeyUsage>) {
        if !usage.contains(.digitalSignature) {
            report(0, .keyUsage, "its key usage does not allow digital signatures")
        }
        let excess = usage.subtracting([.digitalSignature, .contentCommitment])
        if !excess.isEmpty {
            let names = excess.sorted { $0.rawValue < $1.rawValue }.map(\.description).joined(separator: ", ")
            report(0, .keyUsage, "its key usage also allows \(names)")
        }
    }

    /// The usages; for code signing the extension must be critical, for timestamping it should.
    private mutating func checkedKeyUsage(_ index: Int) -> Set<KeyUsage>? {
        guard let usage = chain[index].extensions.keyUsage else {
            report(index, .keyUsage, "it has no key usage")
            return nil
        }
        if purpose == .codeSigning, !usage.isCritical {
            report(index, .keyUsage, "its key usage is not marked critical")
        }
        return usage.usages
    }

    private mutating func checkExtendedKeyUsage(_ usage: CertificateExtensions.ExtendedKeyUsage?) {
        switch (purpose, usage) {
        case (.codeSigning, nil): break
        case (.codeSigning, .some(let usage)):
            for purpose in usage.purposes {
                guard let name = Self.notForSigning[purpose] else { continue }
                report(0, .extendedKeyUsage, "its extended key usage contains \(name)")
            }
        case (.timestamping, nil):
            report(0, .extendedKeyUsage, "it has no extended key usage; timestamping needs one")
        case (.timestamping, .some(let usage)):
            if usage.purposes != [ObjectIdentifier.timeStamping] {
                report(0, .extendedKeyUsage, "its extended key usage is not timestamping and nothing else")
            }
            if !usage.isCritical {
                report(0, .extendedKeyUsage, "its extended key usage is not marked critical")
            }
        }
    }

    static let leafKeys: Set<KeyType> = [
        .rsa(bits: 2_048), .rsa(bits: 3_072), .rsa(bits: 4_096), .ec(.p256), .ec(.p384), .ec(.p521),
    ]

    /// OCSP signing is not in the specification's list, but in that of its reference implementation.
    private static let notForSigning = [
        ObjectIdentifier.anyExtendedKeyUsage: "any purpose", ObjectIdentifier.serverAuth: "server authentication",
        ObjectIdentifier.clientAuth: "client authentication", ObjectIdentifier.emailProtection: "e-mail protection",
        ObjectIdentifier.timeStamping: "timestamping", ObjectIdentifier.ocspSigning: "OCSP signing",
    ]
}
