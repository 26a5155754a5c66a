import TrustModel

/// A governed operation, held against the database as it is now and ready to be done.
struct PlannedStep: Sendable {
    /// What others must agree.
    let needed: ApprovalsNeeded
    /// The lengths of the certificates that come into the team's stores with it.
    let addedBytes: [Int]
    /// SHA-256 of those certificates: what comes in with a change is not denied because the same change moves it.
    let added: Set<String>
    /// Does it, in the transaction of the context, with its audit event.
    let apply: @Sendable (StepContext) async throws -> Void

    init(
        needed: ApprovalsNeeded = .one, addedBytes: [Int] = [], added: Set<String> = [],
        apply: @escaping @Sendable (StepContext) async throws -> Void
    ) {
        self.needed = needed
        self.addedBytes = addedBytes
        self.added = added
        self.apply = apply
    }
}

/// What a planned step is done with.
struct StepContext: Sendable {
    let planner: ChangePlanner
    /// The whole change, as it was planned.
    let plan: ChangePlan
    /// The change's number.
    let change: Int64
    /// Who proposed it.
    let author: PersonID
    let content: ChangeContent
    let audit: AuditWriter
}

/// A governed operation that the store knows how to do.
protocol PlannableOperation: GovernedOperation {
    /// - Throws: `StoreError` for what cannot be or may not be, as the database stands now.
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep
}

extension ChangePlanner {
    func plan(_ step: GovernedStep, _ content: ChangeContent) async throws -> PlannedStep {
        guard let operation = step.operation as? any PlannableOperation else {
            throw StoreError(.invalid, "this server does not do \(type(of: step.operation).kind.rawValue)")
        }
        try await (operation as? any PlannableReplacement)?.refuseStale(self)
        return try await operation.plan(self, content)
    }
}
