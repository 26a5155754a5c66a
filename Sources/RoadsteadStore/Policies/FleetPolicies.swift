package import Codecs
import PostgresKit
package import TrustModel

extension SetFleetPolicy {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let transaction = planner.transaction
        let row = try await transaction.requireFleet(fleet)
        try await refuse(on: transaction, row)
        guard try await transaction.fleetPolicy(of: row) != policy else {
            throw StoreError(.conflict, "that is the policy of fleet \"\(fleet)\" already")
        }
        return PlannedStep { context in
            let text = try StoredJSON.text(policy)
            try await context.planner.transaction.execute(
                InsertFleetPolicy(fleet: row.id, policy: text, change: context.change, now: context.planner.now))
            try await context.audit.record(
                .fleetPolicySet, fleet, fleet: fleet, detail: ["policy": try JSON(encoding: policy)])
        }
    }

    /// The fleet's own statements are for what no team of it owns, by stores that its teams have.
    private func refuse(on transaction: Transaction, _ row: FleetRow) async throws {
        let teams = try await transaction.fetchAll(ListTeamsOfFleet(fleet: row.id))
        let scopes = try await transaction.fetchAll(ListScopes(teams: teams.map(\.id)))
        let stores = Set(try await transaction.fetchAll(ListStores(teams: teams.map(\.id))).map(\.store.id))
        for statement in policy.statements {
            if let missing = statement.stores.first(where: { !stores.contains($0) }) {
                throw StoreError(
                    .invalid,
                    "statement \"\(statement.name)\" refers to \(missing), which no team of fleet \"\(fleet)\" has")
            }
            for scope in statement.registryScopes {
                guard let owned = scopes.first(where: { $0.scope.covers(scope) }) else { continue }
                let owner = teams.first { $0.id == owned.team }.map { "\($0.name)" } ?? "?"
                throw StoreError(
                    .invalid, "statement \"\(statement.name)\" speaks for \(scope), which is team \(owner)'s",
                    hint: "the team says it: roadstead policy set --team \(owner)")
            }
        }
    }
}

extension Transaction {
    func fleetPolicy(of fleet: FleetRow) async throws -> FleetPolicy {
        try await fetchOptional(FetchFleetPolicy(fleet: fleet.id)) ?? .none
    }
}

extension ApiStore {
    /// What the administrators say of a fleet's images beside its teams.
    package func policy(of name: FleetName) async throws -> FleetPolicy {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            try await transaction.fleetPolicy(of: try await transaction.requireFleet(name))
        }
    }

    /// Exceptions of one fleet or of all, the newest first.
    package func exceptions(of fleet: FleetName? = nil, all: Bool = false) async throws -> [ExceptionRecord] {
        try await pool.fetchAll(ListExceptions(fleet: fleet, all: all))
    }
}

extension PublisherStore {
    /// Which statement decides about a repository or scope in a fleet's next release, and why.
    package func explanation(
        of scope: RegistryScope, in name: FleetName, now: UTCDate
    ) async throws -> PolicyExplanation {
        let content = try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            try await transaction.content(of: try await transaction.requireFleet(name))
        }
        return PolicyExplanation(
            of: scope, in: try content.merged(now: now), settings: content.settings, at: now)
    }

    /// Ends the exceptions whose time has come.
    @discardableResult
    package func endExceptions(now: UTCDate) async throws -> [Int64] {
        try await pool.withTransaction(attempts: 4) { transaction in
            let ended = try await transaction.fetchAll(EndDueExceptions(now: now))
            for exception in ended {
                try await Self.audit(transaction, now).record(
                    .exceptionEnded, "E-\(exception.number)", fleet: exception.fleet)
            }
            return ended.map(\.number)
        }
    }
}

struct FetchFleetPolicy: Query {
    static let sql = "SELECT policy FROM fleet_policy WHERE fleet_id = $1 ORDER BY id DESC LIMIT 1"
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> FleetPolicy { try row.value("policy", { try StoredJSON.read($0) }) }
}

struct InsertFleetPolicy: Statement {
    static let sql = "INSERT INTO fleet_policy (fleet_id, policy, change_number, set_at) VALUES ($1, $2, $3, $4)"
    let fleet: Int64
    let policy: String
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(fleet), .text(policy), .int(change), .date(now)] }
}
