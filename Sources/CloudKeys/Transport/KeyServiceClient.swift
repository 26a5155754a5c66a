import Codecs

/// The manners of every key service: a deadline over all that one operation sends, a few more attempts where a service
/// is busy or a connection breaks, one where a token has expired.
struct KeyServiceClient: Sendable {
    let transport: any KeyServiceTransport
    let environment: KeyServiceEnvironment

    static let attempts = 5
    static let deadline = Duration.seconds(30)
    static let firstWait = Duration.milliseconds(200)
    static let longestWait = Duration.seconds(5)

    /// Sends a request with a credential until it is answered, fails for good, or time is up.
    ///
    /// - Parameters:
    ///   - attempts: 1 for what must not be done twice.
    ///   - judge: says what is wrong with an answer; nil takes it.
    ///   - doubt: finds out more about a failure before it counts.
    func send<Credential>(
        with lease: Lease<Credential>, attempts: Int = Self.attempts,
        _ request: (Credential) throws -> KeyServiceRequest,
        judge: (KeyServiceResponse) -> CloudKeyError?,
        doubt: (CloudKeyError, Credential) async -> CloudKeyError = { error, _ in error }
    ) async throws -> KeyServiceResponse {
        let end = ContinuousClock.now + Self.deadline
        var mayRenew = true
        while true {
            let held = try await lease.current()
            do {
                return try await send(try request(held.credential), attempts: attempts, until: end, judge: judge)
            } catch let error as CloudKeyError {
                let error = await doubt(error, held.credential)
                guard error.code == .credentials, mayRenew else { throw error }
                mayRenew = false
                await lease.forget(held)
            }
        }
    }

    /// The same without a credential.
    func send(
        _ request: KeyServiceRequest, attempts: Int = Self.attempts,
        until end: ContinuousClock.Instant = .now + deadline, judge: (KeyServiceResponse) -> CloudKeyError?
    ) async throws -> KeyServiceResponse {
        var attempt = 1
        while true {
            let (error, response) = try await once(request, until: end, judge)
            guard let error else { return response }
            let wait = wait(after: attempt, response)
            guard error.isPassing, attempt < attempts, ContinuousClock.now + wait < end else { throw error }
            attempt += 1
            try await environment.wait(wait)
        }
    }

    private func once(
        _ request: KeyServiceRequest, until end: ContinuousClock.Instant,
        _ judge: (KeyServiceResponse) -> CloudKeyError?
    ) async throws -> (CloudKeyError?, KeyServiceResponse) {
        var request = request
        request.timeout = min(request.timeout, ContinuousClock.now.duration(to: end))
        guard request.timeout > .zero else {
            throw CloudKeyError(.deadline, "the key service gave no answer within \(Self.deadline)")
        }
        let nothing = KeyServiceResponse(status: 0)
        do {
            let response = try await transport.send(request)
            return (response.body.count > request.maximumBytes ? Self.tooLarge : judge(response), response)
        } catch let error as CloudKeyError {
            return (error, nothing)
        } catch let error as CancellationError {
            throw error
        } catch {
            return (CloudKeyError(.unreachable, "the key service cannot be reached: \(error)"), nothing)
        }
    }

    private static let tooLarge = CloudKeyError(.answer, "the key service's answer is larger than what is taken")

    /// What the service asks for, or twice as long each time, give or take a quarter.
    private func wait(after attempt: Int, _ response: KeyServiceResponse) -> Duration {
        if let seconds = response.header("Retry-After").flatMap(Int64.init), seconds >= 0 {
            return .seconds(min(seconds, 86_400))
        }
        let doubled = Self.firstWait * (1 << (attempt - 1))
        return min(doubled, Self.longestWait) * Double.random(in: 0.75...1.25)
    }
}

extension KeyServiceResponse {
    var isSuccess: Bool { (200..<300).contains(status) }

    /// The body as a JSON object; `service` names who sent it.
    func object(_ service: String) throws(CloudKeyError) -> JSONObject {
        do {
            return try JSON(parsing: body, limits: JSONLimits(bytes: KeyServiceRequest.maximumBytes, depth: 16))
                .object("the answer of \(service)")
        } catch {
            throw CloudKeyError(
                .answer, "\(service) answered with status \(status) and no JSON object: \(error.reason)")
        }
    }

    /// Runs a body that reads an answer, and says of whose answer it complains.
    static func reading<Value>(_ service: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as CodecError {
            throw CloudKeyError(.answer, "\(service) answered something else than its protocol says: \(error.reason)")
        }
    }
}

/// What a service said, fit for an error: one line of printable text, not too long.
func quoted(_ text: String?) -> String {
    guard let text, !text.isEmpty else { return "no reason given" }
    let plain = text.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? " " : String($0) }
    return plain.joined().cut(to: 300)
}
