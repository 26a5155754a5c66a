import Codecs
import Files
import Migrations
import PostgresKit
import PrivatePostgres

/// Measures what governance costs: decisions, a large change, the audit log, lists of a large company.
@main
enum Main {
    static func main() async throws {
        switch CommandLine.arguments.dropFirst().first {
        case "decisions": try DecisionBench.run()
        case "database": try await database()
        default: print("usage: RoadsteadGovernanceBench decisions | database DIRECTORY")
        }
    }

    /// On a PostgreSQL of its own that syncs every commit to disk, as one in service does.
    private static func database() async throws {
        guard CommandLine.arguments.count == 3 else { return print("the directory is missing") }
        let configuration = PrivatePostgres.Configuration(
            stateDirectory: CommandLine.arguments[2], roles: DatabaseRole.allCases.map(\.rawValue))
        try await PrivatePostgres.withServer(configuration) { server in
            let company = try await Company(server)
            try await LargeChangeBench(company).run()
            try await AuditBench(company).run()
            try await company.fill()
            try await PageBench(company).run()
        }
    }
}

/// One line of the table: what, ours, and beside what.
func report(_ what: String, _ ours: String, _ peer: String = "-", _ ratio: String = "-") {
    print("\(what)|\(ours)|\(peer)|\(ratio)")
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
}

func rounded(_ value: Double, _ digits: Int = 1) -> String {
    let scale = (0..<digits).reduce(1.0) { factor, _ in factor * 10 }
    return "\((value * scale).rounded() / scale)"
}

/// The median time of several runs.
func median(of runs: Int, _ body: () async throws -> Void) async throws -> Duration {
    var times: [Duration] = []
    for _ in 0..<runs { times.append(try await ContinuousClock().measure { try await body() }) }
    return times.sorted()[runs / 2]
}
