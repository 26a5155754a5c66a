import Codecs
import PKI

/// Looks at what a fleet would come to, before anything is published.
struct EffectGuards: Sendable {
    /// Repositories that the policies of all hosts may name.
    static let maximumRepositories = 10_000
    static let expiringDays: Int64 = 30

    let rendering: FleetRendering
    let now: UTCDate

    /// Everything that there is to know, whether it is new or not.
    var findings: [EffectFinding] {
        unusable + oversize + rendering.warnings.map(Self.finding) + emptyStores + repositories + anchors
    }

    private var unusable: [EffectFinding] {
        rendering.outcome.lagging.map {
            EffectFinding(
                .unusable, team: $0.team, "hosts would take nothing new of team \($0.team): \($0.reason)",
                hint: "change the team's policy or scopes so that each statement stays within them")
        }
    }

    private var oversize: [EffectFinding] {
        rendering.outcome.content.values.compactMap { targets in
            let lengths = targets.stores.values.map(\.count) + [targets.policy?.count ?? 0]
            return TeamTargets.refusal(ofLengths: lengths.map(Int64.init)).map {
                EffectFinding(
                    .oversize, team: targets.team, "team \(targets.team): \($0)",
                    hint: "remove anchors that are no longer needed first")
            }
        }
    }

    private static func finding(_ warning: TrustWarning) -> EffectFinding {
        let kind: EffectFinding.Kind =
            switch warning.kind {
            case .statement: .statement
            case .floor: .floor
            case .contestedScope: .contested
            case .anchor: .anchor
            case .notEnforced: .notEnforced
            case .keptBack, .noContent: .unusable
            case .unknownDenial, .massDenial, .missing, .exception: .other
            }
        return EffectFinding(kind, team: warning.team, warning.description)
    }

    /// The standard statement is not a choice of the team's, so an empty store of it is nothing to refuse.
    private var emptyStores: [EffectFinding] {
        let counts = Dictionary(
            rendering.outcome.trust.stores.map { ($0.id, $0.anchors.count) }, uniquingKeysWith: { first, _ in first })
        return rendering.outcome.trust.statements.compactMap { statement in
            let signers = statement.stores.filter { $0.kind != .tsa }
            guard !signers.isEmpty, signers.allSatisfy({ (counts[$0] ?? 0) == 0 }) else { return nil }
            let names = signers.map(\.description).joined(separator: ", ")
            return EffectFinding(
                statement.isStandard ? .other : .emptyStore, team: statement.team,
                "statement \"\(statement.name)\" would reject everything: \(names) \(signers.count == 1 ? "holds" : "hold") no anchor",
                hint: "add an anchor to it first: roadstead anchor add")
        }
    }

    private var repositories: [EffectFinding] {
        let count = rendering.notation.repositoryCount
        guard count > Self.maximumRepositories else { return [] }
        return [
            EffectFinding(
                .repositories, "the policy would name \(count) repositories, at most \(Self.maximumRepositories) fit",
                hint: "take repositories out that are no longer used")
        ]
    }

    private var anchors: [EffectFinding] {
        let soon = now.adding(days: Self.expiringDays)
        var findings: [EffectFinding] = []
        var places: [String: TrustStoreID] = [:]
        for (store, certificates) in rendering.anchors.sorted(by: { $0.key < $1.key }) {
            for certificate in certificates {
                let label = "\(certificate.subjectText) in \(store)"
                if let other = places.updateValue(store, forKey: "\(store.team) \(certificate.sha256)") {
                    findings.append(
                        EffectFinding(
                            .twice, team: store.team, "\(label) stands in \(other) as well: a removal must name both"))
                }
                if certificate.notAfter <= now {
                    findings.append(
                        EffectFinding(
                            .expired, team: store.team, "\(label) expired at \(certificate.notAfter)",
                            hint: "add the one that follows it"))
                } else if certificate.notAfter <= soon {
                    findings.append(
                        EffectFinding(.expiring, team: store.team, "\(label) expires at \(certificate.notAfter)"))
                }
            }
        }
        return findings
    }
}

extension HostTrust.Statement {
    /// Whether it is the one of a team that wrote none.
    var isStandard: Bool { team.map { $0.rawValue == name } ?? false }
}
