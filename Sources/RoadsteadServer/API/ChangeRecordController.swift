import Codecs
import HTTPTypes
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// What is written to changes beside decisions: comments, edits, reviews; and what waits for the caller.
struct ChangeRecordController: Sendable {
    private static let tag = "changes"

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/changes/{number}/comments", "What people said about a change", tag: Self.tag,
                permission: .filtered,
                queries: Endpoint.pageQueries
            ) { call in
                let page = try await store.comments(on: try call.number("number"), try call.page())
                return Page(items: try await render(page.items), next: page.next)
            },
            .write(
                "/v1/changes/{number}/comments", "Says something about a change", tag: Self.tag,
                permission: .decidedInside("whoever may read the change")
            ) {
                (call: Call, body: CommentRequest) -> CommentBody in
                let session = try call.caller()
                let record = try await store.comment(
                    body.comment, on: try call.number("number"), by: session.actor, now: call.now)
                return CommentBody(record, name: session.person.subject)
            },
            .read(
                "/v1/changes/{number}/edits", "Every content that a change has had", tag: Self.tag,
                permission: .filtered,
                queries: Endpoint.pageQueries
            ) { call in
                let page = try await store.edits(of: try call.number("number"), try call.page())
                let effects = try await changes.effects(of: page.items.map(\.content))
                return page.body { ChangeEditBody($0, effects) }
            },
            .write(
                "/v1/changes/{number}/review", "Says that somebody looked at what went in by break-glass",
                tag: Self.tag, permission: .decidedInside("whoever had no part in the change, and reviews its team"),
                version: { $0.version }
            ) { (call: Call, body: BreakGlassReviewRequest) in
                try await changes.render(
                    store.review(
                        try call.number("number"), note: body.note, by: try call.caller().actor, now: call.now))
            },
            .read("/v1/inbox", "What waits for the caller", tag: Self.tag, permission: .own) { call in
                Page(items: try await store.inbox(of: try call.caller().actor, now: call.now), next: nil)
            },
        ]
    }

    private var changes: ChangeController { ChangeController(store: store) }

    private func render(_ comments: [CommentRecord]) async throws -> [CommentBody] {
        let people = try await store.people(comments.map(\.person))
        return comments.map { CommentBody($0, name: people[$0.person]?.subject ?? "person \($0.person)") }
    }
}

extension CommentBody {
    init(_ record: CommentRecord, name: String) {
        self.init(id: record.id, person: name, comment: record.comment, at: record.at)
    }
}

extension ChangeEditBody {
    init(_ record: EditRecord, _ effects: ChangeEffects) {
        let content = record.content
        self.init(
            version: record.version, digest: record.digest, at: record.at,
            operations: content.operations.map(OperationBody.init),
            effect: content.operations.map { $0.effect(in: content.team, effects) },
            justification: content.justification, ticket: content.ticket, breakGlass: content.breakGlass)
    }
}

extension BreakGlassReviewBody {
    /// nil for what did not go in by break-glass.
    init?(_ record: ChangeRecord, name: (PersonID) -> String) {
        guard record.change.content.breakGlass != nil, record.change.state == .published,
            let closed = record.change.closed
        else { return nil }
        self.init(
            due: closed.adding(days: BreakGlass.maximumDays), person: record.review.map { name($0.person) },
            note: record.review?.note, at: record.review?.at)
    }
}
