import Codecs
import RoadsteadStore

/// Where the answers to repeated requests are kept.
protocol RepeatedAnswers: Sendable {
    /// Takes the key for this request; gives the answer when there is one.
    func claim(_ key: String, digest: [UInt8], _ session: Session, now: UTCDate) async throws -> KeptAnswer?
    func keep(_ answer: KeptAnswer, for key: String, _ session: Session) async throws
    /// Lets the key go after a failure, so that the request can be made again.
    func release(_ key: String, _ session: Session) async throws
}

/// The database keeps them, so that any replica answers the repetition.
struct StoreRepeatedAnswers: RepeatedAnswers {
    let store: ApiStore

    func claim(_ key: String, digest: [UInt8], _ session: Session, now: UTCDate) async throws -> KeptAnswer? {
        try await store.claimKey(key, of: session.person.id, request: digest, now: now)
    }

    func keep(_ answer: KeptAnswer, for key: String, _ session: Session) async throws {
        try await store.keepAnswer(answer, key: key, of: session.person.id)
    }

    func release(_ key: String, _ session: Session) async throws {
        try await store.releaseKey(key, of: session.person.id)
    }
}

extension KeptAnswer {
    /// Stands for an answer that held a secret, which is shown once and not kept.
    private static let secret = "secret"

    init(status: Int, json: JSON?) {
        self.init(status: status, contentType: json == nil ? nil : "application/json", body: json?.bytes ?? [])
    }

    init(secretWithStatus status: Int) { self.init(status: status, contentType: Self.secret, body: []) }

    var wasSecret: Bool { contentType == Self.secret }
}
