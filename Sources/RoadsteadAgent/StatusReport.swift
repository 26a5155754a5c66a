package import Codecs
import Files
package import TrustModel

/// What this host has, how fresh it is, and what enforces it: the same for people, programs and checks.
package struct StatusReport: Sendable, Codable, Equatable {
    package enum Freshness: String, Sendable, Codable { case fresh, warning, alarm, never }

    package let host: String
    package let hostName: String
    package let fleet: FleetName
    package let server: String
    package let generation: String?
    package let release: Int64
    package let lastSuccess: UTCDate?
    package let freshness: Freshness
    package let lastError: String?
    package let statements: Int
    package let stores: Int
    package let anchors: Int
    package let denials: Int
    package let enforcers: [Receipt.Enforcer]
    /// In observe mode: what enforcing would change.
    package let wouldChange: [String]
    package let warnings: [String]
    /// The teams whose newest content is not in force, what is instead, since when and why.
    package let lagging: [LaggingTeam]
    package let waitingReceipts: Int

    package init(_ state: StateDirectory, now: UTCDate) throws {
        let configuration = try AgentConfiguration.load(state)
        let health = SyncHealth.load(state)
        let intact = try GenerationStore(state).current()
        let origin = intact?.manifest.origin
        let enforcement = Enforcement(state, configuration, modes: origin?.modes ?? [], dryRun: true)
        host = configuration.host
        hostName = configuration.hostName
        fleet = configuration.fleet
        server = configuration.server
        generation = intact?.name
        release = origin?.release ?? 0
        lastSuccess = health.lastSuccess
        freshness = Self.freshness(health.lastSuccess, origin?.freshness ?? .standard, now: now)
        lastError = health.lastError
        statements = intact?.trust.statements.count ?? 0
        stores = intact?.trust.stores.count ?? 0
        anchors = intact?.trust.stores.reduce(0) { $0 + $1.anchors.count } ?? 0
        denials = intact?.trust.denials.count ?? 0
        enforcers = enforcement.enforcers
        wouldChange = enforcement.notes
        warnings = (intact?.manifest.warnings ?? []) + enforcement.warnings
        lagging = intact?.manifest.laggingTeams ?? []
        waitingReceipts =
            ((try? Files.list(state.receipts)) ?? []).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.count
    }

    /// Whether this host has a fresh generation and every enforcer that should enforce does.
    package var problems: [String] {
        var problems: [String] = []
        if generation == nil { problems.append("no release is in force yet; run roadstead-agent sync") }
        if freshness != .fresh, generation != nil {
            problems.append("the last sync is too long ago (\(freshness.rawValue))")
        }
        for enforcer in enforcers where enforcer.mode == .enforce && !enforcer.applied {
            problems.append("\(enforcer.enforcer.rawValue) does not read what is in force")
        }
        return problems + warnings
    }

    package var text: String {
        var lines = [
            "host       \(hostName) (\(host)) of fleet \(fleet) at \(server)",
            "release    \(generation.map { "\(release), generation \($0)" } ?? "none yet")",
            "last sync  \(lastSuccess.map(\.description) ?? "never") (\(freshness.rawValue))",
            "trust      \(statements) statements, \(stores) stores, \(anchors) anchors, \(denials) denials",
        ]
        for enforcer in enforcers {
            let force = enforcer.applied ? "in force" : "not in force"
            lines.append("enforcer   \(enforcer.enforcer.rawValue): mode \(enforcer.mode.rawValue), \(force)")
        }
        if enforcers.isEmpty { lines.append("enforcer   none is set up here (enroll --notation-config DIR)") }
        if let lastError { lines.append("last error \(lastError)") }
        lines += wouldChange.map { "  \($0)" }
        lines += lagging.map { "team       \($0.team) lags since \($0.since): \($0.state.rawValue)" }
        lines += warnings.map { "warning    \($0)" }
        if waitingReceipts > 0 { lines.append("receipts   \(waitingReceipts) wait for the server") }
        return lines.joined(separator: "\n")
    }

    private static func freshness(
        _ last: UTCDate?, _ limits: FleetSettings.Freshness, now: UTCDate
    ) -> Freshness {
        guard let last else { return .never }
        if now >= last.adding(seconds: limits.alarmAfterSeconds) { return .alarm }
        return now >= last.adding(seconds: limits.warnAfterSeconds) ? .warning : .fresh
    }
}
