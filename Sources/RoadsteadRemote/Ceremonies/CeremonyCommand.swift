import ArgumentParser
import RoadsteadWire
import TrustModel

struct CeremonyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ceremony", abstract: "Make and change fleets' keys, which never leave their holders.",
        discussion: """
            roadstead ceremony open --fleet F --key file:root.pub --threshold 1   what is to be signed
            roadstead ceremony sign ID --key file:root.key                        each holder, on their own machine
            roadstead ceremony close ID                                           checks and remembers the result

            On a machine without a network: export ID FILE, there sign --draft FILE --key … --out FILE, then import ID FILE.
            """,
        subcommands: [
            CeremonyOpen.self, CeremonyList.self, CeremonyShow.self, CeremonySign.self, CeremonyExport.self,
            CeremonyImport.self, CeremonyClose.self,
        ])

    static func describe(_ ceremony: CeremonyBody) {
        Terminal.show("ceremony \(ceremony.id), until \(ceremony.expires)")
        if let note = ceremony.note { Terminal.show("  \(note)") }
        for fleet in ceremony.fleets { describe(fleet) }
        let states = Set(ceremony.fleets.map(\.state))
        if states.contains("open") { Terminal.show("next: roadstead ceremony sign \(ceremony.id) --key file:…") }
        if !states.isDisjoint(with: ["closed", "published"]) {
            Terminal.show("next: roadstead ceremony close \(ceremony.id)")
        }
    }

    private static func describe(_ fleet: CeremonyFleetBody) {
        Terminal.show("fleet \(fleet.fleet): \(state(of: fleet))")
        for key in fleet.keys { Terminal.show("  the server made a key for \(words(key.role)): \(key.keyID)") }
        for draft in fleet.drafts {
            Terminal.show("  \(words(draft.role)), version \(draft.version)")
            for line in draft.difference { Terminal.show("    \(line)") }
            for signature in draft.signatures { Terminal.show("    signed by \(signature.keyID)") }
            for line in draft.missing { Terminal.show("    missing: \(line)") }
        }
    }

    private static func state(of fleet: CeremonyFleetBody) -> String {
        switch (fleet.state, fleet.reason, fleet.release) {
        case ("published", _, let release?): "published with release \(release)"
        case ("closed", let reason?, _): "signed, but not published: \(reason)"
        case ("closed", nil, _): "signed, waiting for its release"
        case (let state, let reason?, _): "\(state): \(reason)"
        default: fleet.state
        }
    }

    /// What people call a role.
    static func words(_ role: String) -> String {
        switch role {
        case "root": "fleet keys"
        case "targets": "fleet settings"
        default: role
        }
    }
}

struct CeremonyShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a ceremony and what it still needs.")
    @Argument(help: "The ceremony's number.") var id: Int64
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let body: CeremonyBody = try await connection.withClient { try await $0.get("/v1/ceremonies/\(id)") }
        try connection.show(body, text: CeremonyCommand.describe)
    }
}

struct CeremonyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show ceremonies, the newest first.", aliases: ["ls"])
    @Option(help: "Those of one fleet.", transform: FleetName.init) var fleet: FleetName?
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let all: [CeremonySummaryBody] = try await connection.withClient {
            try await $0.all("/v1/ceremonies", [("fleet", fleet?.rawValue)])
        }
        try connection.show(all) { list in
            let rows = list.flatMap { ceremony in
                ceremony.fleets.map { ["\(ceremony.id)", "\($0.fleet)", $0.state, "\(ceremony.created)"] }
            }
            Terminal.showTable(["CEREMONY", "FLEET", "STATE", "OPENED"], rows)
        }
    }
}
