import Codecs
import PostgresKit
import TrustModel

/// Changes that wait for the person's approval, those apart that were edited after it.
struct WaitingChanges: InboxSource {
    func items(_ request: InboxRequest) async throws -> [InboxItem] {
        var (items, next): ([InboxItem], Int64?) = ([], 0)
        while let after = next, items.count < ApiStore.inboxItemsOfSource {
            let changes = try await request.transaction.changesWaiting(
                for: request.authority, after: after, limit: Self.batch)
            for change in changes.found.prefix(ApiStore.inboxItemsOfSource - items.count)
            where request.now < change.expires { items.append(try await item(for: change, request)) }
            next = changes.next
        }
        return items
    }

    /// What is for others is read past.
    private static let batch = 500

    private func item(for change: ChangeRow, _ request: InboxRequest) async throws -> InboxItem {
        let find = FetchApprovedEdit(change: change.number, person: request.person)
        guard let approved = try await request.transaction.fetchOptional(find) else {
            return InboxItem(
                .approval, "C-\(change.number)",
                "C-\(change.number) in \(change.reach): \(change.content.justification)",
                due: change.expires, command: "roadstead change approve C-\(change.number)")
        }
        let difference = change.content.difference(from: approved) { operation in
            label(of: operation, request)
        }
        return InboxItem(
            .voidApproval, "C-\(change.number)",
            "C-\(change.number) was edited after your approval (\(difference.joined(separator: ", ")))",
            due: change.expires, command: "roadstead change diff C-\(change.number)")
    }

    private func label(of operation: ChangeOperation, _ request: InboxRequest) -> String {
        guard case .addAnchor(let addition) = operation,
            let facts = try? request.inspector.facts(addition.certificate, addition.kind, request.now)
        else { return operation.title }
        return "anchor \(facts.subject)"
    }
}

extension Transaction {
    /// One batch of the changes that a person could decide on and has not; some of it may be for others.
    ///
    /// - Returns: those for the person, and the number of the last one looked at where there may be more.
    func changesWaiting(
        for authority: Authority, after: Int64, limit: Int
    ) async throws -> (found: [ChangeRow], next: Int64?) {
        let rows = try await fetchAll(ListChangesWaitingFor(authority: authority, after: after, limit: limit))
        let found = rows.filter { authority.decide($0.content.approval).isAllowed && Reader(authority).mayRead($0) }
        return (found, rows.count == limit ? rows.last?.number : nil)
    }
}

/// The content that a person approved last, where the change says something else by now.
struct FetchApprovedEdit: Query {
    static let sql = """
        SELECT e.content FROM change_decision d JOIN change_edit e ON e.digest = d.digest
        WHERE d.change_number = $1 AND d.person_id = $2 AND d.approves ORDER BY d.id DESC LIMIT 1
        """
    let change: Int64
    let person: PersonID
    var bindings: [Binding] { [.int(change), .int(person.rawValue)] }
    func decode(_ row: Row) throws -> ChangeContent {
        try row.value("content", { (bytes: [UInt8]) in try JSON(parsing: bytes).decode() })
    }
}
