import Dispatch
import Glibc
import Synchronization
import TokenWire

/// One running `roadstead-p11`, at the other end of its sockets: a main one, and lanes on which signatures are made side by
/// side.
///
/// Every wait ends by a deadline, and nothing that the helper does or fails to do reaches the caller but as an error.
/// The main socket is used by one task at a time, and so is each lane.
@safe final class HelperProcess: Sendable {
    let processID: pid_t
    private let main: HelperSocket
    private let lanes: [HelperSocket]
    private let ending = Mutex(Ending())

    typealias Instant = ContinuousClock.Instant

    /// How many signatures may be under way at once. More threads than this gain nothing on any token that was measured.
    static let laneCount = 4

    private struct Ending {
        var isReaped = false
        var how: String?
    }

    /// Starts the helper; the module is loaded when a token is opened.
    init(_ settings: TokenSettings) throws(TokenError) {
        var ours: [HelperSocket] = []
        var theirs: [Int32] = []
        defer { for end in theirs { close(end) } }
        for _ in 0...Self.laneCount {
            let pair = try HelperSocket.pair()
            ours.append(pair.ours)
            theirs.append(pair.theirs)
        }
        let words = [settings.program, "--module", settings.module, "--lanes", "\(Self.laneCount)"]
        let environment = Self.environment(adding: settings.environment)
        let (result, id) = Self.spawn(words, environment, theirs)
        guard result == 0 else {
            throw TokenError(
                .start,
                "the token helper \(settings.program) cannot be started: \(unsafe String(cString: strerror(result)))",
                hint: "install roadstead-p11 beside the other programs")
        }
        processID = id
        main = ours[0]
        lanes = Array(ours.dropFirst())
    }

    /// Lets the helper end by itself, which it does as soon as its socket closes; a hung one is killed.
    deinit {
        main.close()
        reap(until: .now + .seconds(1))
        end()
    }

    /// Ends the helper at once. Whoever waits for an answer of it has an error.
    func end() {
        // While it is not reaped, its number is nobody else's.
        let isThere = ending.withLock { ending in
            if !ending.isReaped { kill(processID, SIGKILL) }
            return !ending.isReaped
        }
        guard isThere else { return }
        reap(until: .now + .seconds(5))
    }

    /// Sends a frame on the main socket and gives the message that answers it.
    func exchange(_ frame: [UInt8], until end: Instant) throws(TokenError) -> [UInt8] {
        do { return try main.exchange(frame[...], until: end) } catch { throw explained(error) }
    }

    /// Sends a frame on a lane, whose answer holds no cooperative thread while it is waited for.
    func exchange(_ frame: [UInt8], lane: Int, within time: Duration) async throws -> [UInt8] {
        do { return try await lanes[lane].exchange(frame, within: time) } catch let error as TokenError {
            throw explained(error)
        }
    }

    /// Says how the helper ended, where that is why there is no answer.
    private func explained(_ error: TokenError) -> TokenError {
        guard error.code == .crashed else { return error }
        reap(until: .now + .seconds(2))
        let how = ending.withLock { $0.how }.map { ": \($0)" } ?? ""
        return TokenError(.crashed, error.reason + how, hint: error.hint)
    }

    /// Collects the helper's status once it has ended.
    private func reap(until end: Instant) {
        while !ending.withLock({ reapNow(&$0) }), ContinuousClock.now < end { usleep(2_000) }
    }

    /// Whether the helper's status is collected.
    private func reapNow(_ ending: inout Ending) -> Bool {
        guard !ending.isReaped else { return true }
        var status: Int32 = 0
        let result = unsafe waitpid(processID, &status, WNOHANG)
        guard result == processID || (result == -1 && errno == ECHILD) else { return false }
        let signal = status & 0x7F
        ending = Ending(isReaped: true, how: signal == 0 ? "status \(status >> 8 & 0xFF)" : "signal \(signal)")
        return true
    }

    /// The surroundings of this process, since modules are told by them where their tokens are.
    private static func environment(adding more: [String: String]) -> [String] {
        var values: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            let name = text.prefix { $0 != "=" }
            if more[String(name)] == nil { values.append(text) }
            unsafe next += 1
        }
        return values + more.map { "\($0.key)=\($0.value)" }
    }

    /// Never forks: the child begins with the sockets and standard error, closes whatever else it got, and has no signal
    /// changed.
    private static func spawn(
        _ words: [String], _ environment: [String], _ sockets: [Int32]
    ) -> (result: Int32, id: pid_t) {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, sockets[0], STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, sockets[0], STDOUT_FILENO)
        for (index, lane) in sockets.dropFirst().enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, lane, STDERR_FILENO + 1 + Int32(index))
        }
        var none = sigset_t()
        var every = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&every)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &every)
        let flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | ownSession
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var values = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + values).forEach { unsafe free($0) } }
        var id: pid_t = 0
        let result = unsafe posix_spawn(&id, words[0], &actions, &attributes, &arguments, &values)
        return (result, id)
    }
}

/// POSIX_SPAWN_SETSID, which the C library's module does not give.
private let ownSession: Int32 = 0x80
