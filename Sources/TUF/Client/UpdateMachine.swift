/// Something an update needs done outside: it has neither network nor disk of its own.
package enum UpdateRequest: Sendable, Equatable {
    /// Read a role's file from the cache; answer `.bytes` or `.notFound`. What it holds is not trusted.
    case load(Role, maximumBytes: Int)
    /// Fetch a file from the repository, ending the transfer above the given size; answer `.bytes`, `.notFound`
    /// (only when the repository says so: status 404, 403 or 410) or `.failed`.
    case fetch(MetadataFile, maximumBytes: Int)
    /// Write verified bytes, unchanged and durably, in place of the role's file in the cache; answer `.done`.
    case persist(Role, [UInt8])
    /// Remove a role's file from the cache; answer `.done`, also when there was none.
    case delete(Role)
}

/// What came of a request.
package enum UpdateEvent: Sendable, Equatable {
    /// The first event of a machine.
    case begin
    case bytes([UInt8])
    case notFound
    case done
    case failed(String)
}

/// What a machine says after an event.
package enum UpdateAction<Outcome: Sendable>: Sendable {
    case request(UpdateRequest)
    case done(Outcome)
    /// The update is over. What was persisted before stays good, and the next update can start from it. [TUF §5]
    case failed(TUFError)
}

/// A part of the client workflow as a pure state machine: feed it `.begin`, do what it requests, feed it the answer.
package protocol UpdateMachine: Sendable {
    associatedtype Outcome: Sendable
    mutating func next(_ event: UpdateEvent) -> UpdateAction<Outcome>
}

/// Cache and repository, as a machine's requests see them.
package protocol MetadataAccess {
    /// The cached file of a role; nil when there is none.
    func load(_ role: Role, maximumBytes: Int) async throws -> [UInt8]?
    /// A file of the repository; nil when the repository says that there is none.
    func fetch(_ file: MetadataFile, maximumBytes: Int) async throws -> [UInt8]?
    func persist(_ role: Role, _ bytes: [UInt8]) async throws
    func delete(_ role: Role) async throws
}

extension UpdateMachine {
    /// Runs the machine to its end.
    package mutating func run(with access: some MetadataAccess) async throws(TUFError) -> Outcome {
        var event = UpdateEvent.begin
        while true {
            switch next(event) {
            case .request(let request): event = await request.perform(with: access)
            case .done(let outcome): return outcome
            case .failed(let error): throw error
            }
        }
    }
}

extension UpdateRequest {
    /// Does what is requested.
    package func perform(with access: some MetadataAccess) async -> UpdateEvent {
        do {
            switch self {
            case .load(let role, let maximumBytes):
                return try await access.load(role, maximumBytes: maximumBytes).map { .bytes($0) } ?? .notFound
            case .fetch(let file, let maximumBytes):
                return try await access.fetch(file, maximumBytes: maximumBytes).map { .bytes($0) } ?? .notFound
            case .persist(let role, let bytes): try await access.persist(role, bytes)
            case .delete(let role): try await access.delete(role)
            }
            return .done
        } catch { return .failed("\(error)") }
    }
}
