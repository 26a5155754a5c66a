import Codecs
package import OCI
import PKI
import SigningKeys

/// What is never to be trusted, in the form in which verifications ask for it.
///
/// A denial holds at every verification level; one with a team holds for that team's statements only.
package struct Denials: Sendable {
    package static let none = Denials([])

    private let denials: [DenyDocument.Denial]
    private let identities: [(denial: DenyDocument.Denial, pattern: SubjectPattern)]
    private let serials: [(denial: DenyDocument.Denial, issuer: DistinguishedName, serial: String)]
    /// What this program cannot understand and so cannot enforce.
    private let unknown: [DenyDocument.Denial]

    package init(_ denials: [DenyDocument.Denial]) {
        var identities: [(DenyDocument.Denial, SubjectPattern)] = []
        var serials: [(DenyDocument.Denial, DistinguishedName, String)] = []
        var unknown: [DenyDocument.Denial] = []
        for denial in denials {
            switch denial.subject {
            case nil: unknown.append(denial)
            case .identity(let text):
                if case .subject(let pattern)? = try? TrustedIdentity(text) {
                    identities.append((denial, pattern))
                } else {
                    unknown.append(denial)
                }
            case .issuerAndSerial(let issuer, let serial):
                if let issuer = try? DistinguishedName(issuer) {
                    serials.append((denial, issuer, serial.lowercased()))
                } else {
                    unknown.append(denial)
                }
            default: break
            }
        }
        self.serials = serials
        self.denials = denials
        self.identities = identities
        self.unknown = unknown
    }

    /// What speaks against an artifact, whoever signed it.
    package func findings(against artifact: Descriptor, team: TeamName?) -> [Finding] {
        matching(team) { $0 == .digest(artifact.digest.description) }.map { denial in
            finding(denial, "the artifact \(artifact.digest)")
        }
    }

    /// What speaks against a signature: against its signer, or against any certificate of the chain.
    func findings(against chain: [Certificate], team: TeamName?) -> [Finding] {
        var findings: [Finding] = []
        for certificate in chain {
            var subjects: Set<DenialSubject> = [.certificate(sha256: certificate.sha256)]
            if let key = certificate.publicKey { subjects.insert(.key(sha256: Hex.encode(key.fingerprint))) }
            let named = matching(team, subjects.contains)
            let numbered = serials.filter { item in
                applies(item.denial, team) && item.serial == certificate.serialText && item.issuer == certificate.issuer
            }
            findings += (named + numbered.map(\.denial)).map { finding($0, "\"\(certificate.subjectText)\"") }
        }
        if let leaf = chain.first {
            let subject = leaf.allSubjectAttributes
            findings += identities.filter { applies($0.denial, team) && $0.pattern.isWithin(subject) }
                .map { finding($0.denial, "the signer \"\(leaf.subjectText)\"") }
        }
        return findings
    }

    /// A warning for each denial that cannot be enforced here.
    package func alarms(team: TeamName?) -> [Finding] {
        unknown.filter { applies($0, team) }.map { denial in
            Finding(
                .unknownDenial, .warns,
                "denial \(denial.id) is of the kind \"\(denial.kind.prefix(40))\" or has a value that is not understood here",
                hint: "update Roadstead on this host")
        }
    }

    private func matching(_ team: TeamName?, _ isMeant: (DenialSubject) -> Bool) -> [DenyDocument.Denial] {
        denials.filter { denial in applies(denial, team) && denial.subject.map(isMeant) == true }
    }

    private func applies(_ denial: DenyDocument.Denial, _ team: TeamName?) -> Bool {
        denial.team == nil || denial.team == team
    }

    private func finding(_ denial: DenyDocument.Denial, _ what: String) -> Finding {
        Finding(
            .denied, .rejects, "\(what) is denied since \(denial.issued): \(denial.reason) (denial \(denial.id))",
            hint: "whoever issued the denial can say more; lifting it takes the approvals of an addition")
    }
}
