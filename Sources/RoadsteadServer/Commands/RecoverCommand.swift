import ArgumentParser
import Codecs
import Foundation
import Migrations
import PostgresKit
import RoadsteadPublish
import RoadsteadStore
import TrustModel

struct RecoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover", abstract: "Takes in what was published after the backup that the database comes from.",
        discussion: """
            Without --apply it only shows what would be done. It reads the published files of this server, or of the \
            directory that --from names, and what hosts have shown; all of it must be signed by the fleet's own keys. \
            Denials and removals come back, additions are listed to be proposed again.
            """)

    enum Output: String, ExpressibleByArgument { case text, json }

    @Option(help: "The fleet.") var fleet: String?
    @Flag(help: "Every fleet of which something newer is found.") var all = false
    @Option(name: .customLong("from"), help: "A directory of published files, such as a copy of another server's.")
    var from: String?
    @Flag(help: "Do it; without this it is only shown.") var apply = false
    @Option(help: "text or json.") var output: Output = .text

    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard (fleet != nil) != all else { throw ValidationError("give either --fleet NAME or --all") }
    }

    func run() async throws {
        try await reportingProblems {
            let configuration = try ServerConfiguration(try options.sources())
            let pool = ConnectionPool(
                try DatabaseAccess(configuration.database).settings(.publisher),
                limits: try PoolLimits(connections: 4))
            let recovery = Recovery(
                store: PublisherStore(pool: pool),
                keys: try ServerKeys(configuration, MasterKey(file: configuration.masterKeyPath)),
                directory: PublishedDirectory(path: from ?? configuration.publishedDirectory))
            do {
                let reports = try await RecoveryRun(recovery: recovery, applies: apply).run(try names(recovery.store))
                print(try output == .json ? Self.json(reports) : reports.map(\.text).joined(separator: "\n"))
                await pool.close()
            } catch {
                await pool.close()
                throw error
            }
        }
    }

    private func names(_ store: PublisherStore) async throws -> RecoveryRun.Names {
        guard let fleet else { return .all(try await store.fleets()) }
        return .one(try FleetName(fleet))
    }

    private static func json(_ reports: [RecoveryRun.Report]) throws -> String {
        String(decoding: try JSON(encoding: reports).bytes, as: UTF8.self)
    }
}

/// Shows or applies the recovery of some fleets.
struct RecoveryRun: Sendable {
    enum Names: Sendable {
        case one(FleetName)
        case all([FleetName])
    }

    /// What was found of a fleet, and whether it was taken in.
    struct Report: Sendable, Encodable {
        let fleet: FleetName
        let found: [String]
        let steps: [String]
        let applied: Bool

        var text: String {
            let next = applied ? "done; the fleet is published again" : "nothing was changed; repeat with --apply"
            return (["fleet \(fleet):"] + found.map { "  \($0)" } + steps.map { "  - \($0)" } + ["  \(next)"])
                .joined(separator: "\n")
        }
    }

    let recovery: Recovery
    let applies: Bool
    var clock: @Sendable () -> UTCDate = SystemClock.now

    /// Fleets of which nothing is newer are an error only where one was named.
    func run(_ names: Names) async throws -> [Report] {
        switch names {
        case .one(let fleet): return [try await run(fleet)]
        case .all(let fleets):
            var reports: [Report] = []
            for fleet in fleets {
                do { reports.append(try await run(fleet)) } catch let error as ServerError
                    where error.code == .nothingNewer
                {}
            }
            guard !reports.isEmpty else {
                throw ServerError(.nothingNewer, "nothing that was published of any fleet is newer than the database")
            }
            return reports
        }
    }

    private func run(_ fleet: FleetName) async throws -> Report {
        let plan: RecoveryPlan
        do { plan = try await recovery.plan(fleet) } catch let error as ServerError where error.code == .nothingNewer {
            // A halt for which there is no ground any more, as after a newer backup was restored, ends here.
            guard applies, try await recovery.store.state(of: fleet).halt != nil else { throw error }
            try await recovery.store.endHalt(of: fleet, now: clock())
            return Report(fleet: fleet, found: [error.reason], steps: [], applied: true)
        }
        if applies { try await recovery.apply(plan, now: clock()) }
        return Report(fleet: fleet, found: plan.findings, steps: plan.lines, applied: applies)
    }
}
