package import SigningKeys
import Problems
import Synchronization

/// Reaches private keys in tokens and services: every call ends by a deadline, and what cannot be used is remembered,
/// so that a token that hangs delays one signature, not every one after it.
package final class KeyReach: Sendable {
    /// How long a failure is believed before somebody is let through to try again.
    private static let rest = Duration.seconds(30)
    /// Making a key takes longer than using it.
    package static let makingDeadline = Duration.seconds(45)

    private struct Failure {
        let reason: String
        var at: ContinuousClock.Instant
    }

    private struct State {
        var opened: [KeyName: OpenedKey] = [:]
        var failures: [KeyName: Failure] = [:]
        /// Kinds of places that did not answer in time: what hung for one key hangs for the others.
        var hung: [KeyScheme: Failure] = [:]
    }

    private let backends: KeyBackends
    private let deadline: Duration
    private let state = Mutex(State())

    package init(_ backends: KeyBackends, deadline: Duration) {
        self.backends = backends
        self.deadline = deadline
    }

    /// Why a key could not be used when it was tried last; nil when it could, or was never tried.
    package func failure(of name: KeyName) -> String? {
        state.withLock { ($0.failures[name] ?? $0.hung[name.scheme])?.reason }
    }

    /// Whether a whole kind of place did not answer in time when it was tried last.
    package func isHanging(_ scheme: KeyScheme) -> Bool { state.withLock { $0.hung[scheme] != nil } }

    /// Signs, and gives the signature only if the registered public key confirms it.
    func signature(
        over message: [UInt8], scheme: SignatureScheme, by name: KeyName, _ publicKey: PublicKey
    ) async throws -> [UInt8] {
        if let reason = resting(name) { throw KeyError(.unavailable, reason) }
        return try await attempt(name, publicKey, message, scheme)
    }

    /// Tries a key with a signature over bytes that nothing ever means, whatever is remembered of it.
    ///
    /// - Returns: why it cannot be used; nil when it can.
    package func test(_ name: KeyName, _ publicKey: PublicKey, scheme: SignatureScheme) async -> String? {
        do {
            _ = try await attempt(name, publicKey, KeyChallenge.fresh(), scheme)
            return nil
        } catch {
            return failure(of: name) ?? Self.words(error)
        }
    }

    /// Finds a key, or makes it where there is none, and takes it only after a signature that is right.
    func make(_ name: KeyName, type: KeyType, scheme: @Sendable (PublicKey) throws -> SignatureScheme) async throws
        -> PublicKey
    {
        if let reason = resting(name) { throw KeyError(.unavailable, reason) }
        let backends = backends
        let opened = try await watching(name) {
            try await within(Self.makingDeadline) {
                do {
                    return try await backends.open(name)
                } catch {
                    return try await Self.generate(type, name, backends, after: error)
                }
            }
        }
        let publicKey = opened.signer.publicKey
        _ = try await attempt(name, publicKey, KeyChallenge.fresh(), try scheme(publicKey))
        return publicKey
    }

    /// What did not open is made, unless something lies there already: then why it does not open is the answer.
    private static func generate(
        _ type: KeyType, _ name: KeyName, _ backends: KeyBackends, after failure: any Error
    ) async throws -> OpenedKey {
        if let listing = try? await backends.list(name), !listing.entries.isEmpty || !listing.skipped.isEmpty {
            throw failure
        }
        do {
            return try await backends.generate(type, name)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw KeyError(
                .unavailable, "\(reason(failure)), and it cannot be made: \(reason(error))",
                hint: "make the key there yourself, under this very name, or give the server the right to")
        }
    }

    private static func reason(_ error: any Error) -> String {
        (error as? any Problem)?.reason ?? "the place of the key failed"
    }

    private func attempt(
        _ name: KeyName, _ publicKey: PublicKey, _ message: [UInt8], _ scheme: SignatureScheme
    ) async throws -> [UInt8] {
        let signature = try await watching(name) {
            try await within(self.deadline) {
                let opened = try await self.open(name, publicKey)
                return try await verifiedSignature(by: opened.signer, over: message, scheme: scheme)
            }
        }
        state.withLock {
            $0.failures[name] = nil
            $0.hung[name.scheme] = nil
        }
        return signature
    }

    /// Remembers a failure. What failed slowly hangs: its whole kind of place is left alone for a while.
    private func watching<Value>(_ name: KeyName, _ work: () async throws -> Value) async throws -> Value {
        let start = ContinuousClock.now
        do {
            return try await work()
        } catch let error as CancellationError {
            throw error
        } catch {
            let failure = Failure(reason: Self.words(error), at: .now)
            state.withLock {
                $0.opened[name] = nil
                $0.failures[name] = failure
                if failure.at - start > deadline / 4 { $0.hung[name.scheme] = failure }
            }
            throw error
        }
    }

    private func open(_ name: KeyName, _ publicKey: PublicKey) async throws -> OpenedKey {
        if let opened = state.withLock({ $0.opened[name] }) { return opened }
        let opened = try await backends.open(name)
        guard opened.signer.publicKey == publicKey else {
            throw KeyError(
                .refused, "\(name) is another key than the one that was registered",
                hint: "put the key back, or let a ceremony give its role another")
        }
        state.withLock { $0.opened[name] = opened }
        return opened
    }

    /// Why a key is not even tried at the moment.
    private func resting(_ name: KeyName) -> String? {
        state.withLock { state in
            [state.failures[name], state.hung[name.scheme]].compactMap { $0 }
                .first { ContinuousClock.now - $0.at < Self.rest }?.reason
        }
    }

    private static func words(_ error: any Error) -> String {
        guard let problem = error as? any Problem else { return "the place of the key failed" }
        return problem.hint.map { "\(problem.reason) (\($0))" } ?? problem.reason
    }
}

/// Does the work, and leaves it behind when it takes longer: what hangs in a driver takes no notice of being cancelled.
private func within<Value: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let (results, end) = AsyncThrowingStream<Value, any Error>.makeStream()
    let worker = Task {
        do {
            end.yield(try await work())
            end.finish()
        } catch {
            end.finish(throwing: error)
        }
    }
    let timer = Task {
        try await Task.sleep(for: limit)
        end.finish(
            throwing: KeyError(
                .unavailable, "the place of the key did not answer within \(limit.components.seconds) seconds",
                hint: "see whether the token, the service or the network to it hangs"))
    }
    defer {
        timer.cancel()
        worker.cancel()
    }
    for try await value in results { return value }
    throw CancellationError()
}
