import RoadsteadWire
import TrustModel

/// Thrown when a change was taken in and waits for approvals; the program says so and exits with status 4.
struct AcceptedWaiting: Error {
    let message: String
}

/// What became of a request that proposes a change.
enum Proposal<Value: Sendable>: Sendable {
    case inForce(Value)
    case waiting(ChangeBody)
}

extension ChangeBody {
    /// Ends a command that proposed the change: silently, with a note of its state, or with what it waits for.
    ///
    /// - Throws: `AcceptedWaiting` for one that waits.
    func requireInForce() throws {
        if let waiting { throw AcceptedWaiting(message: waiting) }
        Terminal.note("C-\(number) is \(state.rawValue)")
    }
}

extension ConnectionOptions {
    /// Shows what became of a proposal: what is in force by the given body, else the change, and exit status 4.
    func finish<Value: Encodable>(_ proposal: Proposal<Value>, text: (Value) throws -> Void) throws {
        switch proposal {
        case .inForce(let value): try show(value, text: text)
        case .waiting(let change):
            try show(change) { change in
                for line in change.effect { Terminal.show(line) }
            }
            try change.requireInForce()
        }
    }
}
