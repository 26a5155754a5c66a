package import Codecs
import PostgresKit
package import TrustModel

/// The first answer to a request, kept for its repetitions.
package struct KeptAnswer: Sendable, Equatable {
    package let status: Int
    package let contentType: String?
    package let body: [UInt8]

    package init(status: Int, contentType: String?, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// The `Idempotency-Key` under which a request runs. The transaction that does what is asked marks it as done, so that a
/// server that dies before the answer is kept leaves nothing that a repetition would do twice.
package struct ClaimedKey: Sendable {
    @TaskLocal package static var current: ClaimedKey?

    let person: PersonID
    let key: String

    package init(_ key: String, of person: PersonID) {
        self.person = person
        self.key = key
    }
}

extension ApiStore {
    package static let idempotencyLifetimeSeconds: Int64 = 86_400
    /// A request that has not been answered for this long was lost with its server.
    package static let idempotencyStaleSeconds: Int64 = 120

    /// Takes a key for a request: nil means that the caller is the first and goes on; an answer is to be repeated.
    ///
    /// - Parameter request: SHA-256 of method, path and body.
    /// - Throws: `StoreError(.idempotency)` when the key stands for another request, or its first one still runs.
    package func claimKey(
        _ key: String, of person: PersonID, request: [UInt8], now: UTCDate
    ) async throws -> KeptAnswer? {
        try request.requireDigest("the digest of a request")
        let isPrintable = key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard (1...200).contains(key.utf8.count), isPrintable else {
            throw StoreError(.invalid, "an Idempotency-Key has 1 to 200 printable characters")
        }
        let claim = ClaimKey(
            person: person, key: key, request: request, now: now,
            staleBefore: now.adding(seconds: -Self.idempotencyStaleSeconds))
        if try await pool.fetchOptional(claim) != nil { return nil }
        guard let kept = try await pool.fetchOptional(FetchKeptAnswer(person: person, key: key)) else {
            throw StoreError(
                .idempotency, "the first request with this Idempotency-Key ended just now", hint: "repeat it")
        }
        guard kept.request == request else {
            throw StoreError(
                .idempotency, "this Idempotency-Key was used for another request", hint: "use a new one for each write")
        }
        if kept.answer == nil, let executed = kept.executed,
            executed < now.adding(seconds: -Self.idempotencyStaleSeconds)
        {
            throw StoreError(
                .idempotency, "this was done at \(executed), and the server ended before it could answer",
                hint: "look at what is there; use a new Idempotency-Key to do something else")
        }
        guard let answer = kept.answer else {
            throw StoreError(
                .idempotency, "the first request with this Idempotency-Key still runs", hint: "wait and repeat it")
        }
        return answer
    }

    /// Keeps the answer for repetitions.
    package func keepAnswer(_ answer: KeptAnswer, key: String, of person: PersonID) async throws {
        try await pool.execute(KeepAnswer(person: person, key: key, answer: answer))
    }

    /// Gives a key back after a failure that a repetition may heal.
    package func releaseKey(_ key: String, of person: PersonID) async throws {
        try await pool.execute(ReleaseKey(person: person, key: key))
    }

    /// Forgets keys that are older than a day.
    package func forgetOldKeys(now: UTCDate) async throws {
        try await pool.execute(DeleteOldKeys(before: now.adding(seconds: -Self.idempotencyLifetimeSeconds)))
    }
}
