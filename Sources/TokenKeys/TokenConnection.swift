import Dispatch
import Glibc
import SigningKeys
import Synchronization
package import TokenWire

/// One token, through a helper process of its own that is started when it is needed, and anew when it crashed, hung or
/// lost the token.
///
/// Signatures are made side by side, as many as there are lanes; everything else is done one after the other.
package actor TokenConnection {
    private let executor = BlockingExecutor(label: "roadstead.token")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let uri: TokenURI
    private let settings: TokenSettings
    private var helper: HelperProcess?
    private var token: TokenDescription?
    private var isLoggedIn = false
    /// The PIN that the token took; a helper that is started again gets it again.
    private var pin: Secret?
    /// The token refused a PIN: none is given to it any more.
    private var isPINRefused = false
    /// The token took this PIN at least once.
    private var isPINProven = false
    private nonisolated let pool = LanePool(count: HelperProcess.laneCount)
    /// The helper while it is logged in, so that a signature need not ask the actor.
    private nonisolated let ready = Mutex<HelperProcess?>(nil)

    /// Nothing is started yet.
    package init(_ uri: TokenURI, _ settings: TokenSettings) {
        self.uri = uri.tokenOnly
        self.settings = settings
    }

    /// What the token says of itself.
    package func describe() throws -> TokenDescription {
        try open()
        guard let token else { throw TokenError(.wire, "the token helper described no token") }
        return token
    }

    /// Every key that fits; private ones are seen after a login.
    package func keys(_ uri: TokenURI, loggedIn: Bool) throws -> (keys: [TokenKeyDescription], skipped: [String]) {
        if loggedIn { try logIn() }
        guard case .keys(let keys, let skipped) = try call(.list(uri.description)) else { throw Self.unexpected }
        return (keys, skipped)
    }

    /// The one private key that fits.
    package func privateKey(_ uri: TokenURI) throws -> TokenKeyDescription {
        try logIn()
        let key = try find(uri)
        guard key.isPrivate else {
            throw TokenError(.key, "only the public half of \(uri) is on the token, so it cannot sign")
        }
        return key
    }

    /// The one key that fits, without a login where its public half can be read without.
    package func publicKey(_ uri: TokenURI) throws -> TokenKeyDescription {
        do {
            return try find(uri)
        } catch let error as TokenError where [.key, .pinMissing].contains(error.code) && !isLoggedIn {
            guard try describe().requiresLogin, try ownPIN() else { throw error }
            try logIn()
            return try find(uri)
        }
    }

    /// Makes a pair of keys that never leaves the token.
    package func generate(_ kind: TokenKeyKind, _ uri: TokenURI) throws -> TokenKeyDescription {
        let label = try newLabel(uri)
        try logIn()
        let request = TokenRequest.generate(kind, label: label, id: uri.id)
        guard case .key(let key) = try call(request, again: false) else { throw Self.unexpected }
        return key
    }

    /// Puts a pair of keys on the token, in the numbers that ``TokenRequest/storeKey(_:label:id:numbers:)`` describes.
    func store(_ kind: TokenKeyKind, numbers: [[UInt8]], _ uri: TokenURI) throws -> TokenKeyDescription {
        let label = try newLabel(uri)
        try logIn()
        let id = uri.id ?? SecureRandom.bytes(16)
        let request = TokenRequest.storeKey(kind, label: label, id: id, numbers: numbers)
        guard case .key(let key) = try call(request, again: false) else { throw Self.unexpected }
        return key
    }

    private func newLabel(_ uri: TokenURI) throws -> String {
        if let label = uri.object { return label }
        throw TokenError(.uri, "\(uri) does not say what the new key is called", hint: "add object=LABEL")
    }

    /// The certificates with that identifier and that subject (DER), as far as one is given; none of them is believed.
    func certificates(id: [UInt8]? = nil, subject: [UInt8]? = nil) throws -> [TokenCertificate] {
        guard case .certificates(let certificates, _) = try call(.certificates(id: id, subject: subject)) else {
            throw Self.unexpected
        }
        return certificates
    }

    func store(_ certificate: TokenCertificate) throws {
        try logIn()
        guard case .done = try call(.storeCertificate(certificate), again: false) else { throw Self.unexpected }
    }

    /// The raw signature of the token: of a message for Ed25519, of a digest or a padded number for the others.
    nonisolated func sign(
        _ bytes: [UInt8], _ mechanism: TokenMechanism, _ key: TokenKeyDescription, at uri: TokenURI
    ) async throws -> [UInt8] {
        var recovery = Recovery(within: settings.recovery)
        while true {
            do {
                return try await pool.withLane { lane in
                    let (helper, pin) = try await readyHelper(key)
                    let request = TokenSignatureRequest(
                        uri: uri.description, spki: key.spki, mechanism: mechanism, bytes: bytes, pin: pin)
                    return try await signature(request, helper, lane)
                }
            } catch let error as TokenError {
                guard let pause = recovery.pause(after: error) else { throw error }
                if pause > .zero { try await Task.sleep(for: pause) }
            }
        }
    }

    /// Ends the helper. The next call starts another.
    package func close() { drop() }

    /// The helper's process, for those who want to watch or kill it.
    package var helperProcessID: Int32? { helper?.processID }
}

extension TokenConnection {
    /// A helper that is logged in, and the PIN where the key wants it each time.
    private nonisolated func readyHelper(_ key: TokenKeyDescription) async throws -> (HelperProcess, pin: [UInt8]?) {
        if !key.wantsPINEachTime, let helper = ready.withLock({ $0 }) { return (helper, nil) }
        return try await prepare(key)
    }

    private func prepare(_ key: TokenKeyDescription) throws -> (HelperProcess, pin: [UInt8]?) {
        try logIn()
        guard let helper else { throw TokenError(.crashed, "the token helper is not running") }
        ready.withLock { $0 = helper }
        guard key.wantsPINEachTime else { return (helper, nil) }
        guard !isPINRefused else { throw Self.refusedBefore }
        return (helper, pin?.withBytes { $0 })
    }

    private nonisolated func signature(
        _ request: TokenSignatureRequest, _ helper: HelperProcess, _ lane: Int
    ) async throws -> [UInt8] {
        let frame = try TokenRequest.sign(request).frame()
        let response: TokenResponse
        do {
            let message = try await helper.exchange(frame, lane: lane, within: settings.deadline)
            response = try TokenResponse(message: message)
        } catch {
            await giveUp(helper)
            throw error
        }
        if case .signature(let signature) = response { return signature }
        guard case .failure(let code, let reason, let hint) = response else { throw Self.unexpected }
        throw await learn(TokenError(TokenError.Code(rawValue: code) ?? .failed, reason, hint: hint), from: helper)
    }

    /// Ends a helper that cannot be relied on any more.
    private func giveUp(_ helper: HelperProcess) {
        helper.end()
        if self.helper === helper { drop() }
    }

    /// What a failure says about the helper and the PIN.
    private func learn(_ error: TokenError, from helper: HelperProcess) -> TokenError {
        if error.code == .lost, self.helper === helper { drop() }
        if error.code == .pinWrong {
            // Written down before anybody hears of it, as far as that can be done.
            if let pin, let token { try? settings.pinMemory?.add(pin, token) }
            forgetPIN()
        }
        return error
    }

    private func find(_ uri: TokenURI) throws -> TokenKeyDescription {
        guard case .key(let key) = try call(.find(uri.description)) else { throw Self.unexpected }
        return key
    }

    /// Starts a helper and finds the token, where that is not done; logs in again where somebody was logged in.
    private func open() throws {
        guard helper == nil else { return }
        let helper = try HelperProcess(settings)
        self.helper = helper
        let wasLoggedIn = isLoggedIn
        isLoggedIn = false
        do {
            guard case .token(let found) = try exchange(.open(uri.description)) else { throw Self.unexpected }
            if let token, token.serial != found.serial || token.label != found.label {
                throw TokenError(.token, "another token is in the place of \"\(token.label)\" now")
            }
            token = found
            if wasLoggedIn { try logIn() }
        } catch {
            drop()
            isLoggedIn = wasLoggedIn && !isPINRefused
            throw error
        }
    }

    private func ownPIN() throws -> Bool {
        if pin == nil, let token { pin = try settings.pin(token) }
        return pin != nil || token?.hasOwnKeypad == true
    }

    /// Logs in, once. A PIN that was refused is never given again, whatever starts anew.
    private func logIn() throws {
        guard !isLoggedIn else { return try open() }
        guard try describe().requiresLogin else { return }
        guard !isPINRefused else { throw Self.refusedBefore }
        guard try ownPIN() else {
            throw TokenError(
                .pinMissing, "token \"\(token?.label ?? "")\" needs its PIN", hint: "give --pin-file FILE or --pin-fd N"
            )
        }
        if let token, let pin, let memory = settings.pinMemory {
            try memory.givingPIN(to: token) {
                try memory.check(pin, token)
                try giveThePIN()
                try? memory.clear(token)
            }
        } else {
            try giveThePIN()
        }
    }

    private func giveThePIN() throws {
        var frame = try Self.logInFrame(pin, settings.allowsLastPINTries)
        defer { _ = Secret(wiping: &frame) }
        do {
            _ = try exchange(frame, within: settings.deadline)
        } catch let error as TokenError {
            // Whether a new PIN counted is not known when nothing came back, so it counts here, but not beyond this process.
            if [.deadline, .crashed, .wire, .lost].contains(error.code), !isPINProven { forgetPIN() }
            throw error
        }
        (isLoggedIn, isPINProven) = (true, true)
    }

    private static func logInFrame(_ pin: Secret?, _ allowsLastTries: Bool) throws -> [UInt8] {
        func frame(_ pin: [UInt8]?) throws(TokenError) -> [UInt8] {
            try TokenRequest.logIn(pin: pin, allowsLastTries: allowsLastTries).frame()
        }
        guard let pin else { return try frame(nil) }
        return try pin.withBytes { pin throws(TokenError) in try frame(pin) }
    }

    /// One request, and where the helper or the token was lost on the way, again with a new helper.
    private func call(_ request: TokenRequest, again: Bool = true) throws -> TokenResponse {
        var recovery = Recovery(within: settings.recovery)
        while true {
            do {
                try open()
                return try exchange(request)
            } catch let error as TokenError {
                guard again, let pause = recovery.pause(after: error) else { throw error }
                usleep(UInt32(pause / .microseconds(1)))
            }
        }
    }

    private func exchange(_ request: TokenRequest) throws -> TokenResponse {
        try exchange(try request.frame(), within: settings.time(for: request))
    }

    /// One request and its answer; a helper that cannot be relied on any more is ended.
    private func exchange(_ frame: [UInt8], within time: Duration) throws -> TokenResponse {
        guard let helper else { throw TokenError(.crashed, "the token helper is not running") }
        let response: TokenResponse
        do throws(TokenError) {
            let message = try helper.exchange(frame, until: .now + time)
            response = try TokenResponse(message: message)
        } catch {
            giveUp(helper)
            throw error
        }
        guard case .failure(let code, let reason, let hint) = response else { return response }
        throw learn(TokenError(TokenError.Code(rawValue: code) ?? .failed, reason, hint: hint), from: helper)
    }

    private func forgetPIN() {
        isPINRefused = true
        pin = nil
    }

    private func drop() {
        helper = nil
        ready.withLock { $0 = nil }
    }

    private static let refusedBefore = TokenError(
        .pinWrong, "the token refused this PIN before, or did not answer to it, so it is not tried again",
        hint: "tokens lock after a few wrong PINs; begin again with the right one")

    private static let unexpected = TokenError(.wire, "the token helper answered something else than was asked")
}

extension TokenSettings {
    fileprivate func time(for request: TokenRequest) -> Duration {
        if case .generate = request { max(deadline, generationDeadline) } else { deadline }
    }
}

/// Runs an actor's jobs one at a time on a dispatch queue of their own, so that waiting holds no cooperative thread.
private final class BlockingExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
