import Glibc

/// Runs a program to its end: input in, output out, killed when it takes too long.
package enum ChildProcess {
    package struct Outcome: Sendable {
        /// The exit status; 128 and more for a signal, as shells count.
        package let status: Int32
        package let output: [UInt8]
    }

    /// In words; never what the program printed.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Waits in system calls, which no thread of the cooperative pool may.
    ///
    /// - Parameter words: the program, by its path or as PATH has it, then its arguments.
    package static func run(
        _ words: [String], input: [UInt8], limit: Int, deadline: Duration
    ) throws(Failure) -> Outcome {
        let end = ContinuousClock.now + deadline
        let (toChild, fromChild) = (try Pipe(), try Pipe())
        let child = try spawn(words, input: toChild.reading, output: fromChild.writing)
        toChild.closeReading()
        fromChild.closeWriting()
        // Less than a pipe holds, so that this never waits for the program.
        _ = unsafe input.prefix(4_096).withUnsafeBytes {
            unsafe send(toChild.writing, $0.baseAddress, $0.count, noSignal)
        }
        toChild.closeWriting()
        do throws(Failure) {
            return try collect(child, fromChild.reading, limit, end)
        } catch {
            kill(child, SIGKILL)
            var status: Int32 = 0
            _ = unsafe waitpid(child, &status, 0)
            throw error
        }
    }

    /// Reads until the program has ended, whoever else may still hold the other end.
    private static func collect(
        _ child: pid_t, _ descriptor: Int32, _ limit: Int, _ end: ContinuousClock.Instant
    ) throws(Failure) -> Outcome {
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            var status: Int32 = 0
            let hasEnded = unsafe waitpid(child, &status, WNOHANG) == child
            var count = unsafe recv(descriptor, &buffer, buffer.count, withoutWaiting)
            while count > 0 {
                output += buffer.prefix(count)
                guard output.count <= limit else { throw Failure(description: "prints more than \(limit) bytes") }
                count = unsafe recv(descriptor, &buffer, buffer.count, withoutWaiting)
            }
            if hasEnded {
                let signal = status & 0x7F
                return Outcome(status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: output)
            }
            guard ContinuousClock.now < end else { throw Failure(description: "did not end in time, and was killed") }
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            // A closed end is always ready: what is waited for then is the program's end.
            if count == 0 { usleep(5_000) } else { _ = unsafe poll(&polled, 1, 20) }
        }
    }

    private static func spawn(_ words: [String], input: Int32, output: Int32) throws(Failure) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        var none = sigset_t()
        var every = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&every)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &every)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var child: pid_t = 0
        let result = unsafe posix_spawnp(&child, words[0], &actions, &attributes, &arguments, environ)
        guard result == 0 else {
            throw Failure(description: "cannot be started: \(unsafe String(cString: strerror(result)))")
        }
        return child
    }

    private static let noSignal = Int32(MSG_NOSIGNAL)
    private static let withoutWaiting = Int32(MSG_DONTWAIT)
}

/// Two ends that no other program inherits; sockets, so that writing to a program that has gone raises no signal.
private final class Pipe {
    private(set) var reading: Int32
    private(set) var writing: Int32

    init() throws(ChildProcess.Failure) {
        var ends: [Int32] = [-1, -1]
        let closeOnExec: Int32 = 0o2_000_000
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | closeOnExec, 0, &ends) == 0 else {
            throw ChildProcess.Failure(description: "cannot be started: no pipe could be made")
        }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        closeReading()
        closeWriting()
    }

    func closeReading() {
        if reading >= 0 { close(reading) }
        reading = -1
    }

    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }
}
