import Codecs

/// A credential that is fetched when it is first wanted, shared by everybody who signs, and fetched anew shortly before
/// it expires or when a service says that it has.
actor Lease<Credential: Sendable> {
    struct Held: Sendable {
        let credential: Credential
        /// nil where it does not expire, or does not say when.
        let expires: UTCDate?
        /// Tells one fetch from another.
        fileprivate(set) var number = 0

        init(_ credential: Credential, expires: UTCDate?) {
            self.credential = credential
            self.expires = expires
        }
    }

    /// What is taken off a credential's life, so that none expires on its way.
    static var reserveSeconds: Int64 { 60 }

    private let now: @Sendable () -> UTCDate
    private let fetch: @Sendable (_ previous: Held?) async throws -> Held
    private var held: Held?
    private var isForgotten = false
    private var fetching: Task<Held, any Error>?
    private var fetches = 0

    /// - Parameter fetch: gets what was held before, if that may still be used to get another; nil after it was refused.
    init(
        now: @escaping @Sendable () -> UTCDate, fetch: @escaping @Sendable (_ previous: Held?) async throws -> Held
    ) {
        self.now = now
        self.fetch = fetch
    }

    func current() async throws -> Held {
        if let held, !isForgotten, isFresh(held) { return held }
        if let fetching { return try await fetching.value }
        let previous = isForgotten ? nil : held
        fetches += 1
        let number = fetches
        let task = Task {
            var fetched = try await fetch(previous)
            fetched.number = number
            return fetched
        }
        fetching = task
        defer { fetching = nil }
        let fetched = try await task.value
        held = fetched
        isForgotten = false
        return fetched
    }

    /// Takes no credential again that a service refused; one that was fetched since then stays.
    func forget(_ refused: Held) {
        if held?.number == refused.number { isForgotten = true }
    }

    private func isFresh(_ held: Held) -> Bool {
        guard let expires = held.expires else { return true }
        return now().adding(seconds: Self.reserveSeconds) < expires
    }
}
