import ArgumentParser
import RoadsteadWire
import TrustModel

/// Why an administrator changes something; the command itself says what.
struct AdministrationReason: ParsableArguments {
    @Option(help: "Why; it is kept with the change.")
    var reason: String?

    @Option(help: "A ticket that it belongs to.")
    var ticket: String?

    @Flag(help: "Show what it would do to each fleet and its hosts, and propose nothing.")
    var dryRun = false
}

/// Proposes operations of administration in one change: shows what they made, or says what the change waits for.
///
/// - Parameter fetch: what is shown once the change is in force.
func administer<Value: Encodable & Sendable>(
    _ operations: [any GovernedOperation], _ why: AdministrationReason, _ connection: ConnectionOptions,
    fetch: (APIClient) async throws -> Value, text: (Value) throws -> Void
) async throws {
    if why.dryRun { return try await rehearse(request(operations, why), connection) }
    let proposal = try await connection.withClient { client -> Proposal<Value> in
        let change = try await send(operations, why, client)
        return change.state == .published ? .inForce(try await fetch(client)) : .waiting(change)
    }
    try connection.finish(proposal, text: text)
}

/// The same for what leaves nothing to show but a note.
func administer(
    _ operations: [any GovernedOperation], _ why: AdministrationReason, _ connection: ConnectionOptions, note: String
) async throws {
    if why.dryRun { return try await rehearse(request(operations, why), connection) }
    let change = try await connection.withClient { try await send(operations, why, $0) }
    guard change.state == .published else {
        return try connection.finish(Proposal<ChangeBody>.waiting(change)) { _ in }
    }
    if connection.output == .json { try connection.show(change) { _ in } }
    Terminal.note(note)
}

private func send(
    _ operations: [any GovernedOperation], _ why: AdministrationReason, _ client: APIClient
) async throws -> ChangeBody {
    try await client.send(.post, "/v1/changes", request(operations, why))
}

private func request(_ operations: [any GovernedOperation], _ why: AdministrationReason) -> ChangeRequest {
    let steps = operations.map { OperationBody.other(.governed(GovernedStep($0))) }
    let reason = why.reason ?? String(operations.map(\.summary).joined(separator: "; ").prefix(1_000))
    return ChangeRequest(team: nil, operations: steps, justification: reason, ticket: why.ticket)
}
