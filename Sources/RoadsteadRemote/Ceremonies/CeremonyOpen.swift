import ArgumentParser
import Codecs
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

struct CeremonyOpen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Draw up fleet keys or settings for signing.",
        discussion: """
            With nothing but fleets it renews their keys. A key serves one fleet and one role: for several fleets, give
            each its own as FLEET=URI.
            """)
    @Option(help: "The fleet; once for each.", transform: FleetName.init) var fleet: [FleetName]
    @Option(
        help: ArgumentHelp("A key that will hold the fleet, public or private; once for each.", valueName: "uri"))
    var key: [String] = []
    @Option(help: "How many of them must sign.") var threshold: Int?
    @Option(
        help: ArgumentHelp(
            "A key, off the server, that will hold the fleet's settings; once for each.", valueName: "uri")
    )
    var targetsKey: [String] = []
    @Option(help: "How many of them must sign.") var targetsThreshold: Int?
    @Flag(help: "Give the fleet's settings back to the server's own key.") var targetsOnline = false
    @Option(help: ArgumentHelp("Sign this anew: root or targets; once for each.", valueName: "role"))
    var role: [String] = []
    @Option(
        help: ArgumentHelp(
            "New keys of the server for these: timestamp,snapshot,targets,deny,revocation,ops.", valueName: "roles"))
    var rotate: String?
    @Flag(help: "Begin anew, because too few root keys are left: every host has to enrol again.") var startOver = false
    @Option(help: ArgumentHelp("The fleet's name, to confirm --start-over without a terminal.", valueName: "fleet"))
    var confirm: String?
    @Option(help: "What it is for; kept with the ceremony.") var note: String?
    @OptionGroup var keys: KeyOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !fleet.isEmpty else { throw ValidationError("give --fleet at least once") }
        guard Set(fleet).count == fleet.count else { throw ValidationError("a fleet is given twice") }
        guard !startOver || fleet.count == 1 else { throw ValidationError("one fleet at a time starts over") }
        guard !targetsOnline || targetsKey.isEmpty else {
            throw ValidationError("--targets-online and --targets-key exclude each other")
        }
    }

    func run() async throws {
        var fleets: [CeremonyFleetRequest] = []
        for name in fleet { fleets.append(try await request(for: name)) }
        let request = CeremonyRequest(fleets: fleets, note: note)
        if startOver { try confirmStartingOver() }
        let body: CeremonyBody = try await connection.withClient {
            try await $0.send(.post, "/v1/ceremonies", request)
        }
        try connection.show(body, text: CeremonyCommand.describe)
    }

    private func request(for name: FleetName) async throws -> CeremonyFleetRequest {
        CeremonyFleetRequest(
            fleet: name, roles: role.isEmpty ? nil : role,
            root: try await proposed(key, threshold, for: name, "--threshold"),
            targets: try await proposed(targetsKey, targetsThreshold, for: name, "--targets-threshold"),
            targetsOnline: targetsOnline ? true : nil,
            rotate: rotate.map { $0.split(separator: ",").map(String.init) }, startOver: startOver ? name : nil)
    }

    /// The keys that are given for a fleet; nil when there are none, which leaves things as they are.
    private func proposed(
        _ given: [String], _ threshold: Int?, for name: FleetName, _ option: String
    ) async throws -> CeremonyKeysBody? {
        let uris = try given.compactMap { try uri($0, for: name) }
        guard !uris.isEmpty else {
            guard given.isEmpty, threshold != nil else { return nil }
            throw ValidationError("\(option) needs the keys that it counts")
        }
        guard let needed = threshold ?? (uris.count == 1 ? 1 : nil) else {
            throw ValidationError("say with \(option) how many of the \(uris.count) keys must sign")
        }
        var publicKeys: [JSON] = []
        for uri in uris { publicKeys.append(try Key(try await keys.publicKey(of: uri)).json) }
        return CeremonyKeysBody(keys: publicKeys, threshold: needed)
    }

    private func uri(_ text: String, for name: FleetName) throws -> String? {
        for other in fleet where text.hasPrefix("\(other)=") {
            return other == name ? String(text.dropFirst(other.rawValue.utf8.count + 1)) : nil
        }
        guard fleet.count == 1 else {
            throw ValidationError(
                "a key serves one fleet alone: say which, such as --key \(name)=\(text)")
        }
        return text
    }

    private func confirmStartingOver() throws {
        Terminal.note("fleet \(fleet[0]) starts over: no host follows by itself, each has to be enrolled again")
        let answer = confirm ?? Terminal.ask("type the fleet's name to go on: ")
        guard answer == fleet[0].rawValue else {
            throw RemoteError(
                .usage, "nothing was opened: the fleet's name was not typed", hint: "or give --confirm \(fleet[0])")
        }
    }
}
