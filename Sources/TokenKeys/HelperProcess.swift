import Glibc
import TokenWire

/// One running `roadstead-p11`, at the other end of a socket.
///
/// Every wait ends by a deadline, and nothing that the helper does or fails to do reaches the caller but as an error.
/// Used from one task at a time by its owner.
@safe final class HelperProcess {
    let processID: pid_t
    private let socket: Int32
    private var isReaped = false

    typealias Instant = ContinuousClock.Instant

    /// Starts the helper; the module is loaded when a token is opened.
    init(_ settings: TokenSettings) throws(TokenError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | closeOnExec, 0, &ends) == 0 else {
            throw TokenError(.start, "no socket for the token helper could be made")
        }
        defer { close(ends[1]) }
        let words = [settings.program, "--module", settings.module]
        let environment = Self.environment(adding: settings.environment)
        let (result, id) = Self.spawn(words, environment, standardStreams: ends[1])
        guard result == 0 else {
            close(ends[0])
            throw TokenError(
                .start,
                "the token helper \(settings.program) cannot be started: \(unsafe String(cString: strerror(result)))",
                hint: "install roadstead-p11 beside the other programs")
        }
        processID = id
        socket = ends[0]
    }

    /// Lets the helper end by itself, which it does as soon as its socket closes; a hung one is killed.
    deinit {
        close(socket)
        if !isReaped { reap(until: .now + .seconds(1)) }
        if !isReaped { end() }
    }

    /// Ends the helper at once.
    func end() {
        guard !isReaped else { return }
        kill(processID, SIGKILL)
        reap(until: .now + .seconds(5))
    }

    /// Sends a frame and gives the message that answers it.
    func exchange(_ frame: [UInt8], until end: Instant) throws(TokenError) -> [UInt8] {
        try send(frame, until: end)
        let count = try Frame.length(try receive(Frame.headerBytes, until: end))
        return try receive(count, until: end)
    }

    private func send(_ bytes: [UInt8], until end: Instant) throws(TokenError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(
                    socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if sent > 0 {
                rest = rest.dropFirst(sent)
            } else {
                try waitOrThrow(POLLOUT, until: end)
            }
        }
    }

    /// Grows with what arrives, not with what was announced.
    private func receive(_ count: Int, until end: Instant) throws(TokenError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(count, 65_536))
        while bytes.count < count {
            let wanted = min(buffer.count, count - bytes.count)
            let got = unsafe recv(socket, &buffer, wanted, Int32(MSG_DONTWAIT))
            if got > 0 {
                bytes += buffer.prefix(got)
            } else if got == 0 {
                throw crashed()
            } else {
                try waitOrThrow(POLLIN, until: end)
            }
        }
        return bytes
    }

    /// After a call that could not go on: waits where that helps.
    private func waitOrThrow(_ event: some BinaryInteger, until end: Instant) throws(TokenError) {
        guard [EAGAIN, EWOULDBLOCK, EINTR].contains(errno) else { throw crashed() }
        while true {
            let left = end - .now
            guard left > .zero else {
                throw TokenError(
                    .deadline, "the token did not answer in time, so its helper process was ended",
                    hint: "see whether the token or the network to it hangs")
            }
            var polled = pollfd(fd: socket, events: Int16(truncatingIfNeeded: event), revents: 0)
            let milliseconds = left.components.seconds * 1_000 + left.components.attoseconds / 1_000_000_000_000_000
            if unsafe poll(&polled, 1, Int32(clamping: milliseconds + 1)) > 0 { return }
        }
    }

    private func crashed() -> TokenError {
        reap(until: .now + .seconds(2))
        let how = ending.map { ": \($0)" } ?? ""
        return TokenError(
            .crashed, "the token helper ended in the middle of its work\(how)",
            hint: "the PKCS#11 module may have crashed; see its own logs")
    }

    private var ending: String?

    /// Collects the helper's status once it has ended.
    private func reap(until end: Instant) {
        while !isReaped {
            var status: Int32 = 0
            let result = unsafe waitpid(processID, &status, WNOHANG)
            if result == processID || (result == -1 && errno == ECHILD) {
                isReaped = true
                let signal = status & 0x7F
                ending = signal == 0 ? "status \(status >> 8 & 0xFF)" : "signal \(signal)"
            } else if ContinuousClock.now >= end {
                return
            } else {
                usleep(2_000)
            }
        }
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

    /// Never forks: the child begins with the socket and standard error, closes whatever else it got, and has no signal changed.
    private static func spawn(
        _ words: [String], _ environment: [String], standardStreams socket: Int32
    ) -> (result: Int32, id: pid_t) {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO)
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

/// SOCK_CLOEXEC and POSIX_SPAWN_SETSID, which the C library's module gives in other types or not at all.
private let closeOnExec: Int32 = 0o2_000_000
private let ownSession: Int32 = 0x80
