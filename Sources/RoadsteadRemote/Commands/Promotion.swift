import ArgumentParser
import RoadsteadWire
import TrustModel

extension FleetCommand {
    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a fleet take what another one publishes.",
            discussion: """
                The same signed files go in where they may; otherwise the server signs the content anew under a higher \
                version. A team that signs for itself is refused then, and keeps what the fleet has.
                """)
        @Argument(help: "The fleet that publishes it already.", transform: FleetName.init) var from: FleetName
        @Argument(help: "The fleet to promote to.", transform: FleetName.init) var to: FleetName
        @Option(help: "A team to promote, if not all; once for each.", transform: TeamName.init)
        var team: [TeamName] = []
        @Flag(help: "Show what would be promoted, and change nothing.") var dryRun = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let request = PromotionRequest(from: from, teams: team.isEmpty ? nil : team, dryRun: dryRun)
            let promotion: PromotionBody = try await connection.withClient {
                try await $0.send(.post, "/v1/fleets/\(to)/promotions", request)
            }
            try connection.show(promotion, text: describe)
            let refused = promotion.teams.filter { $0.outcome == .refused }
            guard refused.isEmpty else {
                throw RemoteError(
                    .refused, "\(refused.count) of \(promotion.teams.count) team(s) cannot be promoted",
                    hint: refused.compactMap(\.hint).first)
            }
        }

        private func describe(_ promotion: PromotionBody) {
            if promotion.teams.isEmpty { Terminal.show("fleet \(promotion.to) has no teams") }
            for team in promotion.teams {
                Terminal.show("team \(team.team): \(Self.text(team, dryRun: promotion.dryRun))")
                for line in team.difference { Terminal.show("  \(line)") }
            }
        }

        private static func text(_ team: PromotedTeamBody, dryRun: Bool) -> String {
            let numbers = "content \(team.before) → \(team.content.map(String.init) ?? "none")"
            let will = dryRun ? "would be " : ""
            switch team.outcome {
            case .promoted: return "\(will)promoted, \(numbers), as signed in version \(team.version ?? 0)"
            case .signedAnew: return "\(will)promoted, \(numbers), signed anew because \(team.reason ?? "it has to be")"
            case .unchanged: return "unchanged, content \(team.before)"
            case .refused: return "refused: \(team.reason ?? "")"
            }
        }
    }

    struct HotFix: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "hotfix",
            abstract: "Bring one published change to a fleet that is behind.",
            discussion: "What else its team has changed since stays behind until it is promoted.")
        @Argument(help: "The fleet.", transform: FleetName.init) var fleet: FleetName
        @Option(help: "The change, such as C-1042.") var change: ChangeNumber
        @Flag(help: "Show what would change, and change nothing.") var dryRun = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let fix: HotFixBody = try await connection.withClient {
                try await $0.send(
                    .post, "/v1/fleets/\(fleet)/hot-fixes", HotFixRequest(change: change.value, dryRun: dryRun))
            }
            try connection.show(fix) { fix in
                let numbers = fix.content.map { "content \(fix.before) → \($0)" } ?? "nothing was changed"
                Terminal.show("fleet \(fix.fleet), team \(fix.team), C-\(fix.change): \(numbers)")
                for line in fix.difference { Terminal.show("  \(line)") }
            }
        }
    }
}
