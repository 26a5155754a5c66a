/// An operation that puts a whole value in place of another, or takes one away by its name: what it was made from goes
/// with it, so that what others changed meanwhile is not undone unseen.
package protocol ReplacingOperation: GovernedOperation {
    /// Names the state that it was made from, as the server does; nil where nobody said.
    var madeFrom: String? { get }
    func made(from state: String?) -> Self
}

extension ChangeContent {
    /// The same, made from whatever there is when it is proposed: what an author who edits has looked at again.
    package var madeAnew: ChangeContent {
        get throws(TrustModelError) {
            try with(
                operations.map { operation in
                    guard case .governed(let step) = operation,
                        let replacement = step.operation as? any ReplacingOperation
                    else { return operation }
                    return .governed(GovernedStep(replacement.made(from: nil)))
                })
        }
    }

    /// The same with other operations.
    package func with(_ operations: [ChangeOperation]) throws(TrustModelError) -> ChangeContent {
        try ChangeContent(
            team: team, operations: operations, justification: justification, ticket: ticket, breakGlass: breakGlass)
    }
}
