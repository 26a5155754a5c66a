import Codecs
import TrustModel

/// Decisions of the pure function that every operation asks, over every permission and people with one to eight roles.
enum DecisionBench {
    private static let rounds = 200_000

    static func run() throws {
        let people = try (1...8).map { try bindings(of: $0) }
        let teams = try (0..<16).map { try TeamName("team-\($0)") }
        let wanted: [Permission] =
            teams.flatMap { team -> [Permission] in
                [.readTeam(team), .propose(team), .approveAdditions(team), .remove(team)]
            } + [.administer, .denyEverywhere]
        var allowed = 0
        let time = ContinuousClock().measure {
            for round in 0..<rounds {
                let decision = Authorization.decide(
                    wanted[round % wanted.count], bindings: people[round % people.count])
                if decision.isAllowed { allowed += 1 }
            }
        }
        print("\(Int(Double(rounds) / time.seconds)) \(allowed)")
    }

    private static func bindings(of count: Int) throws -> [RoleBinding] {
        try (0..<count).map { number in
            try RoleBinding(number % 2 == 0 ? .teamMember : .teamAdmin, .team(try TeamName("team-\(number * 2)")))
        }
    }
}
