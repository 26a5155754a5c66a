import Codecs
import PostgresKit
import SigningKeys
import TrustModel

/// A whole value that the store knows how to name as it is now.
protocol PlannableReplacement: ReplacingOperation, PlannableOperation {
    /// nil where there is nothing that it could undo.
    func presentState(_ planner: ChangePlanner) async throws -> String?
}

extension PlannableReplacement {
    /// - Throws: `StoreError(.conflict)` where the value is not any more what the operation was made from.
    func refuseStale(_ planner: ChangePlanner) async throws {
        guard let madeFrom, try await presentState(planner) != madeFrom else { return }
        throw StoreError(
            .conflict, "this is stale: something else has changed since what it was made from (\(summary.prefix(200)))",
            hint: "look at what there is now, and propose it again or edit the change")
    }
}

extension ChangePlanner {
    /// The content with what each whole value was made from: by what is there now, unless the author said it.
    func stamped(_ content: ChangeContent) async throws -> ChangeContent {
        var operations: [ChangeOperation] = []
        for operation in content.operations {
            guard case .governed(let step) = operation,
                let replacement = step.operation as? any PlannableReplacement,
                replacement.madeFrom == nil
            else {
                operations.append(operation)
                continue
            }
            let state = try await replacement.presentState(self)
            operations.append(.governed(GovernedStep(replacement.made(from: state))))
        }
        return try content.with(operations)
    }
}

extension SetPolicy: PlannableReplacement {
    func presentState(_ planner: ChangePlanner) async throws -> String? {
        let present = try await planner.transaction.fetchOptional(FetchPolicy(team: try planner.requireTeam().id))
        return present.map { "C-\($0.change)" } ?? "standard"
    }
}

extension SetFleetPolicy: PlannableReplacement {
    func presentState(_ planner: ChangePlanner) async throws -> String? {
        let row = try await planner.transaction.requireFleet(fleet)
        let change = try await planner.transaction.fetchOptional(FetchFleetPolicyChange(fleet: row.id))
        return change.map { "C-\($0)" } ?? "none"
    }
}

extension SetFleetSettings: PlannableReplacement {
    /// Settings are kept without their changes, so what they say is their name.
    func presentState(_ planner: ChangePlanner) async throws -> String? {
        let options = try await planner.transaction.requireFleet(fleet).options
        return Hex.encode(HashAlgorithm.sha256.digest(of: try JSON(encoding: options).canonicalBytes()))
    }
}

extension SetRule: PlannableReplacement {
    func presentState(_ planner: ChangePlanner) async throws -> String? {
        guard replaces else { return nil }
        let present = try await planner.transaction.fetchOptional(FindRootRule(name: rule.name))
        return present.map { "\($0)" } ?? "none"
    }
}

extension RemoveRule: PlannableReplacement {
    func presentState(_ planner: ChangePlanner) async throws -> String? {
        try await planner.transaction.fetchOptional(FindRootRule(name: rule)).map { "\($0)" } ?? "none"
    }
}

/// The change that set a fleet's policy last.
struct FetchFleetPolicyChange: Query {
    static let sql = "SELECT change_number FROM fleet_policy WHERE fleet_id = $1 ORDER BY id DESC LIMIT 1"
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("change_number") }
}
