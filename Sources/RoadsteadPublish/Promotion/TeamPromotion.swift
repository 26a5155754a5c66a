package import Codecs
import TUF
package import TrustModel

/// Decides whether a team's signed role, as one fleet publishes it, may go into another fleet as it is.
package struct TeamPromotion {
    /// What becomes of it.
    package enum Verdict: Sendable, Equatable {
        /// The same bytes go in.
        case sameBytes
        /// The server signs the same content under a new version, for the reason given.
        case signedAnew(String)
        /// Nothing is promoted: only the team could sign it anew.
        case refused(reason: String, hint: String)
    }

    /// Days that a role must have left, so that a promotion is not followed by a gap.
    package static let leastDaysLeft: Int64 = 30

    let team: TeamName
    let custody: Custody
    let role: [UInt8]
    /// The fleet that it goes into, as it is published.
    let destination: PublishedState
    /// Who should speak for the team by what was agreed; the fleet may not have learnt it yet.
    let desired: TeamQuorum?

    /// - Parameters:
    ///   - role: the team's role as the source publishes it.
    ///   - destination: the fleet that it goes into, as it is published.
    ///   - desired: who should speak for the team by what was agreed, where the server may still say so to the fleet.
    package init(
        of team: TeamName, in custody: Custody, role: [UInt8], to destination: PublishedState, desired: TeamQuorum?
    ) {
        self.team = team
        self.custody = custody
        self.role = role
        self.destination = destination
        self.desired = desired
    }

    package func verdict(now: UTCDate) -> Verdict {
        guard let problem = problem(now: now) else { return .sameBytes }
        guard custody == .team else { return .signedAnew(problem) }
        return .refused(
            reason: problem,
            hint: "the team's members sign it anew: roadstead team renew \(team), then roadstead change sign C-N")
    }

    /// Why the bytes cannot go in as they are; nil when they can.
    private func problem(now: UTCDate) -> String? {
        let limit = PublishingLimits.targetsBytes
        guard let metadata = try? UnverifiedMetadata<Targets>(role, maximumBytes: limit) else {
            return "its signed role cannot be read"
        }
        let content = metadata.unverifiedContent
        if let here = published(team.rawValue) {
            if here.bytes == role { return nil }
            guard content.version > here.unverifiedContent.version else {
                return "it is version \(content.version), and the fleet lists version \(here.unverifiedContent.version)"
            }
        }
        let quorums = delegations() + [try? desired?.quorum(of: team.rawValue)].compactMap(\.self)
        guard quorums.isEmpty || quorums.contains(where: { (try? $0.verify(metadata)) != nil }) else {
            return "it is not signed by whom the fleet believes for the team"
        }
        let left = content.expires.seconds - now.seconds
        guard left >= Self.leastDaysLeft * 86_400 else {
            return "it expires at \(content.expires), in less than \(Self.leastDaysLeft) days"
        }
        return nil
    }

    /// Whom the fleet's hosts believe for the team now: nobody when the fleet has not published it.
    private func delegations() -> [Quorum] {
        let targets = destination.targets.flatMap(Self.read)
        let groups = destination.delegated.keys.sorted().compactMap(published)
        for file in [targets].compactMap(\.self) + groups {
            guard let delegations = file.unverifiedContent.delegations,
                let delegation = delegations.roles.first(where: { $0.name.text == team.rawValue })
            else { continue }
            return [delegations.quorum(for: delegation)]
        }
        return []
    }

    private func published(_ role: String) -> UnverifiedMetadata<Targets>? {
        destination.delegated[role].flatMap(Self.read)
    }

    private static func read(_ bytes: [UInt8]) -> UnverifiedMetadata<Targets>? {
        try? UnverifiedMetadata(bytes, maximumBytes: PublishingLimits.targetsBytes)
    }
}
