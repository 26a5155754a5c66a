import ArgumentParser
import Codecs
import Files
import PKI
import RoadsteadWire
import TrustModel

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Answers about the past.", subcommands: [WhoTrusted.self])

    struct WhoTrusted: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "who-trusted", abstract: "Which anchors each fleet trusted on a day, and who is answerable.",
            discussion: "It is read off the files that were published then: what was only decided does not count.")
        @Option(help: ArgumentHelp("Day or moment (UTC); now unless given.", valueName: "date")) var at: String?
        @Option(help: "Of one fleet.", transform: FleetName.init) var fleet: FleetName?
        @Option(help: "Of one team.", transform: TeamName.init) var team: TeamName?
        @Option(
            help: ArgumentHelp("Of one certificate: its file, or SHA-256 in hexadecimal.", valueName: "file-or-digest"))
        var certificate: String?
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let query = [
                ("at", try at.map { "\(try moment($0))" }), ("fleet", fleet?.rawValue), ("team", team?.rawValue),
                ("certificate", try certificate.map(Self.fingerprint)),
            ]
            let report = try await connection.withClient { client in
                let fleets: Page<FleetAtBody> = try await client.get("/v1/reports/fleets", query)
                let anchors: [TrustedAnchorBody] = try await client.all("/v1/reports/who-trusted", query)
                return TrustReport(fleets: fleets.items, anchors: anchors)
            }
            try connection.show(report) { $0.show() }
        }

        private static func fingerprint(_ text: String) throws -> String {
            if text.utf8.count == 64, (try? Hex.decode(text.lowercased())) != nil { return text.lowercased() }
            return try Certificate(pemOrDER: try Files.read(text, limit: 1 << 20)).sha256
        }
    }
}

/// What `report who-trusted` shows.
private struct TrustReport: Encodable {
    let fleets: [FleetAtBody]
    let anchors: [TrustedAnchorBody]

    func show() {
        for fleet in fleets {
            Terminal.show(
                "fleet \(fleet.fleet): release \(fleet.release), published \(fleet.published); \(fleet.applied) of "
                    + "\(fleet.hosts) hosts had applied it, \(fleet.silent) had reported nothing; \(fleet.denials) denials"
            )
        }
        if fleets.isEmpty { Terminal.show("no fleet had published anything") }
        Terminal.showTable(
            ["FLEET", "TEAM", "STORE", "SUBJECT", "SHA-256", "ADDED", "CHANGE", "BY", "AGREED", "DENIED"],
            anchors.map { anchor in
                [
                    anchor.fleet.rawValue, anchor.team.rawValue, "\(anchor.kind.rawValue)/\(anchor.store)",
                    anchor.subject ?? "-", String(anchor.certificateSHA256.prefix(16)),
                    anchor.added.map { "\($0)" } ?? "-", anchor.change.map { "C-\($0)" } ?? "-", anchor.author ?? "-",
                    anchor.approvers.joined(separator: ","), anchor.denial ?? "-",
                ]
            })
    }
}
