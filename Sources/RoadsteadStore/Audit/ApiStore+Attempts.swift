package import Codecs
import PostgresKit
package import TrustModel

/// A request that was refused, as the log tells of it.
package struct RefusedAttempt: Sendable, Equatable {
    package let actor: Actor
    /// Method and pattern of the route, such as `POST /v1/changes/{number}/approve`.
    package let operation: String
    /// What it was about: the path as it was asked for.
    package let object: String
    /// The problem's stable name.
    package let code: String
    package let reason: String
    package let team: TeamName?
    package let fleet: FleetName?

    package static let longestObject = 256
    package static let longestReason = 500

    package init(
        actor: Actor, operation: String, object: String, code: String, reason: String, team: TeamName? = nil,
        fleet: FleetName? = nil
    ) {
        self.actor = actor
        self.operation = operation
        self.object = Self.plain(object, Self.longestObject)
        self.code = code
        self.reason = Self.plain(reason, Self.longestReason)
        self.team = team
        self.fleet = fleet
    }

    /// Printable, and not longer than that: what somebody asked for is their text.
    private static func plain(_ text: String, _ longest: Int) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(longest)))
    }
}

/// A credential that did not count, as the log tells of it.
package struct FailedSignIn: Sendable, Equatable {
    package let requestID: String
    package let operation: String
    /// Tells one address from another without naming any.
    package let origin: String

    package init(requestID: String, operation: String, origin: String) {
        self.requestID = requestID
        self.operation = operation
        self.origin = origin
    }
}

extension ApiStore {
    /// Keeps a refused attempt, in a transaction of its own: the refused one left nothing.
    package func record(_ attempt: RefusedAttempt, now: UTCDate) async throws {
        try await audit(.person(attempt.actor), now) { writer in
            try await writer.record(
                .attemptRefused, attempt.object, team: attempt.team, fleet: attempt.fleet,
                detail: [
                    "operation": .string(attempt.operation), "problem": .string(attempt.code),
                    "reason": .string(attempt.reason),
                ])
        }
    }

    /// Keeps that a person's further refusals were only counted.
    package func recordAttempts(_ count: Int, of person: PersonID, since: UTCDate, now: UTCDate) async throws {
        try await audit(.server(requestID: nil), now) { writer in
            try await writer.record(
                .attemptsCounted, "person:\(person)", detail: Self.counted(count, since))
        }
    }

    package func record(_ failure: FailedSignIn, now: UTCDate) async throws {
        try await audit(.server(requestID: failure.requestID), now) { writer in
            try await writer.record(
                .signInFailed, "origin:\(failure.origin)", detail: ["operation": .string(failure.operation)])
        }
    }

    /// Keeps that further failures from one origin were only counted; nil for those of many origins together.
    package func recordFailedSignIns(_ count: Int, from origin: String?, since: UTCDate, now: UTCDate) async throws {
        try await audit(.server(requestID: nil), now) { writer in
            try await writer.record(
                .signInsCounted, "origin:\(origin ?? "many")", detail: Self.counted(count, since))
        }
    }

    private static func counted(_ count: Int, _ since: UTCDate) -> JSON {
        ["count": .integer(Int64(count)), "since": .string("\(since)")]
    }

    private func audit(
        _ actor: AuditActor, _ now: UTCDate, _ body: (AuditWriter) async throws -> Void
    ) async throws {
        try await pool.withTransaction(attempts: 4) { transaction in
            try await body(AuditWriter(transaction: transaction, actor: actor, now: now))
        }
    }
}
