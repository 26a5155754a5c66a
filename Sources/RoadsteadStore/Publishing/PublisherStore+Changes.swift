package import Codecs
import PostgresKit
import TrustModel

/// What became of an approved change when it was to take effect.
package enum ChangeOutcome: Sendable, Equatable {
    case published(Int64)
    /// It waits for approvals again, for the reason that its note gives.
    case sentBack(Int64)
    case rejected(Int64, reason: String)
    case expired(Int64)
    /// It stays approved and is tried again; what went wrong is the server's affair, not the change's.
    case failed(Int64, reason: String)
}

extension PublisherStore {
    /// Brings approved changes into force, each in a transaction of its own, right before releases are built.
    ///
    /// The approvers' roles and the root rules are asked once more: who lost the role no longer counts, and a rule
    /// that became stricter holds. A change that fails stops no other.
    package func publishApprovedChanges(now: UTCDate) async throws -> [ChangeOutcome] {
        var outcomes = try await approveAgreedChanges(now: now)
        for number in try await pool.fetchAll(ListApprovedChanges()) {
            do {
                if let outcome = try await publish(number, now: now) { outcomes.append(outcome) }
            } catch let error as CancellationError {
                throw error
            } catch {
                outcomes.append(.failed(number, reason: "\(error)"))
            }
        }
        return outcomes
    }

    /// Moves on what has come to be agreed without anybody deciding again: an approver holds the role once more.
    ///
    /// - Returns: what went wrong; it is tried again.
    private func approveAgreedChanges(now: UTCDate) async throws -> [ChangeOutcome] {
        var failed: [ChangeOutcome] = []
        for number in try await pool.fetchAll(ListSubmittedWithApprovals()) {
            do {
                try await pool.withTransaction(attempts: 4) { try await approve(number, on: $0, now: now) }
            } catch let error as CancellationError {
                throw error
            } catch {
                failed.append(.failed(number, reason: "\(error)"))
            }
        }
        return failed
    }

    private func approve(_ number: Int64, on transaction: Transaction, now: UTCDate) async throws {
        guard let change = try await transaction.fetchOptional(LockChange(number: number)),
            change.state == .submitted, now < change.expires,
            case .agreed = try await transaction.standing(of: change, now: now)
        else { return }
        try await end(
            change, .approved, "approved at \(now), when its approvers all held their roles", .changeApproved,
            transaction, now)
    }

    private func publish(_ number: Int64, now: UTCDate) async throws -> ChangeOutcome? {
        do {
            return try await pool.withTransaction(attempts: 4) { try await bringIn(number, on: $0, now: now) }
        } catch let error as StoreError {
            return try await reject(number, "\(error)", now: now)
        } catch let error as PostgresError
            where [.binding, .check, .statement, .unique, .foreignKey].contains(error.code)
        {
            // Values that the schema does not take: trying again would hold up every change and release behind it.
            return try await reject(number, "\(error)", now: now)
        }
    }

    /// What was done of the change is undone; only the refusal is kept.
    private func reject(_ number: Int64, _ reason: String, now: UTCDate) async throws -> ChangeOutcome? {
        try await pool.withTransaction(attempts: 4) { transaction in
            guard let change = try await transaction.fetchOptional(LockChange(number: number)),
                change.state == .approved
            else { return nil }
            try await end(change, .rejected, reason, .changeRejected, transaction, now)
            return .rejected(number, reason: reason)
        }
    }

    private func bringIn(_ number: Int64, on transaction: Transaction, now: UTCDate) async throws -> ChangeOutcome? {
        guard let change = try await transaction.fetchOptional(LockChange(number: number)), change.state == .approved
        else { return nil }
        if now >= change.expires {
            try await end(change, .expired, "expired at \(change.expires)", .changeExpired, transaction, now)
            return .expired(number)
        }
        let team = try await change.team.asyncMap { try await transaction.lockTeam($0) }
        let planner = ChangePlanner(
            transaction: transaction, inspector: inspector, team: team, author: change.author, now: now)
        let plan = try await planner.plan(change.content)
        let needed = try change.needed.union(plan.needed)
        guard case .agreed = try await transaction.standing(of: change, needed: needed, now: now) else {
            let note = "an approver no longer holds the role, or more approvals are needed by now"
            try await transaction.execute(SetApprovalsNeeded(number: number, needed: needed))
            try await end(change, .submitted, note, .changeSentBack, transaction, now)
            return .sentBack(number)
        }
        try await apply(plan, of: change, planner, now: now)
        try await end(change, .published, nil, .changePublished, transaction, now)
        return .published(number)
    }

    /// Does it, and looks at what came of it; an effect that the guards refuse undoes it.
    private func apply(_ plan: ChangePlan, of change: ChangeRow, _ planner: ChangePlanner, now: UTCDate) async throws {
        let audit = Self.audit(planner.transaction, now)
        let isWatched = inspector.readsCertificates && change.content.adds && change.content.concernsFleets
        guard isWatched else {
            return try await planner.apply(plan, of: change.number, by: change.author, change.content, audit: audit)
        }
        let effects = try await planner.transaction.effects(of: change.content, now: now) {
            try await planner.apply(plan, of: change.number, by: change.author, change.content, audit: audit)
        }
        try change.content.refuse(effects)
    }

    private func end(
        _ change: ChangeRow, _ state: ChangeState, _ note: String?, _ action: AuditAction, _ transaction: Transaction,
        _ now: UTCDate
    ) async throws {
        let move = MoveChange(number: change.number, from: change.state, to: state, note: note, now: now)
        try await transaction.execute(move)
        try await Self.audit(transaction, now).record(
            action, "C-\(change.number)", team: change.team, detail: ["digest": .string(change.digest)])
    }
}
