import ArgumentParser
import Foundation

/// The options that every command takes.
struct ConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Address of the server, if not the profile's.", valueName: "url"))
    var server: String?

    @Option(help: ArgumentHelp("Which sign-in to use.", valueName: "name"))
    var profile = ProcessInfo.processInfo.environment["ROADSTEAD_PROFILE"] ?? "default"

    @Option(name: .shortAndLong, help: "text, json or yaml.")
    var output = OutputFormat.text

    /// Runs a body against the server under the profile's token.
    func withClient<Value>(_ body: (APIClient) async throws -> Value) async throws -> Value {
        let client = try savedProfile().client()
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    /// The sign-in that is used.
    func savedProfile() throws -> Profile {
        let saved = try ProfileStore().profile(profile)
        if let server, server != saved.server {
            throw RemoteError(
                .usage, "profile \"\(profile)\" is signed in at \(saved.server), not at \(server)",
                hint: "roadstead login --server \(server) --profile NAME, then --profile NAME")
        }
        return saved
    }

    /// Shows a value as JSON, or as text by the given body.
    func show<Value: Encodable>(_ value: Value, text: (Value) throws -> Void) throws {
        switch output {
        case .json: try Terminal.show(value)
        case .yaml: try Terminal.showYAML(value)
        case .text: try text(value)
        }
    }
}

extension OutputFormat: ExpressibleByArgument {}

/// Why a write is made.
struct ReasonOptions: ParsableArguments {
    @Option(help: "Why; it is kept with the change.")
    var reason: String

    @Option(help: "A ticket that it belongs to.")
    var ticket: String?

    @Flag(help: "Show what it would do to each fleet and its hosts, and propose nothing.")
    var dryRun = false
}
