import ArgumentParser
import RoadsteadWire
import TrustModel

/// `change preview`: what a change would do to each fleet, in the files of its hosts.
struct PreviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "Show what a change would do to each fleet and to the files of its hosts.")
    @Argument(help: "Number, such as C-12.") var number: ChangeNumber
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let preview: PreviewBody = try await connection.withClient {
            try await $0.get("/v1/changes/\(number.value)/preview")
        }
        try connection.show(preview) { $0.describe() }
    }
}

/// Shows what a change would do that nobody has proposed yet.
///
/// - Throws: `RemoteError(.refused)` where the guards would refuse it.
func rehearse(_ body: ChangeRequest, _ connection: ConnectionOptions) async throws {
    let preview: PreviewBody = try await connection.withClient {
        try await $0.send(.post, "/v1/changes/preview", body)
    }
    try connection.show(preview) { $0.describe() }
    guard preview.isRefused else { return Terminal.note("nothing was proposed") }
    throw RemoteError(.refused, "nothing was proposed, and it would be refused as it is")
}

extension PreviewBody {
    /// Prints it for people.
    func describe() {
        if fleets.isEmpty { return Terminal.show("no fleet's hosts would notice it") }
        for fleet in fleets { fleet.describe() }
    }

    /// Whether the guards would refuse it somewhere.
    var isRefused: Bool { fleets.contains { $0.findings.contains(where: \.refuses) } }
}

extension PreviewBody.Fleet {
    fileprivate func describe() {
        let modes = enforcers.map { "\($0.enforcer.rawValue) \($0.mode.rawValue)" }.joined(separator: ", ")
        Terminal.show("fleet \(fleet): \(hosts) host(s), \(hostsBehind) behind; \(modes)")
        if lines.isEmpty, files.isEmpty { Terminal.show("  its hosts would notice nothing now") }
        for line in lines { Terminal.show("  \(line)") }
        for finding in findings {
            Terminal.show("  \(finding.refuses ? "refused" : "warning"): \(finding.text)")
            if let hint = finding.hint { Terminal.show("    hint: \(hint)") }
        }
        if !needs.isEmpty { Terminal.show("  agents must know: \(needs.joined(separator: ", "))") }
        for file in files { for line in file.difference { Terminal.show("  \(line)") } }
    }
}
