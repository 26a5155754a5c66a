import Glibc

/// Programs of the system that hold secrets: asked for one, with a deadline.
enum Tool {
    /// What a program wrote to its standard output; it gets no input.
    static func output(_ words: [String], within deadline: Duration = .seconds(60)) throws(CommandError) -> [UInt8] {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw CommandError(.environment, "no pipe for \(words[0]) could be made") }
        defer { close(ends[0]) }
        let (result, id) = spawn(words, output: ends[1], closing: ends[0])
        close(ends[1])
        guard result == 0 else {
            throw CommandError(
                .environment, "cannot start \(words[0]): \(unsafe String(cString: strerror(result)))",
                hint: "install it, or give the secret in another way")
        }
        let end = ContinuousClock.now + deadline
        guard let bytes = read(ends[0], until: end), let status = status(of: id, until: end) else {
            var killed: Int32 = 0
            kill(id, SIGKILL)
            unsafe waitpid(id, &killed, 0)
            throw CommandError(
                .environment,
                "\(words[0]) did not answer within \(deadline.components.seconds) seconds, or said too much")
        }
        guard status == 0 else {
            throw CommandError(
                .environment, "\(words[0]) has no such secret, or does not give it (see its words above)")
        }
        return bytes
    }

    private static let limit = 4_096

    /// How a program ended; nil when it has not by then.
    private static func status(of id: pid_t, until end: ContinuousClock.Instant) -> Int32? {
        var status: Int32 = 0
        while unsafe waitpid(id, &status, WNOHANG) != id {
            guard .now < end else { return nil }
            usleep(2_000)
        }
        return status
    }

    /// All that comes until the other end closes; nil for more than a secret has, or when time is up.
    private static func read(_ descriptor: Int32, until end: ContinuousClock.Instant) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: limit)
        while bytes.count <= limit {
            let left = (end - .now).components
            let milliseconds = left.seconds * 1_000 + left.attoseconds / 1_000_000_000_000_000
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard milliseconds > 0 else { return nil }
            guard unsafe poll(&polled, 1, Int32(clamping: milliseconds)) > 0 else { continue }
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count > 0 { bytes += buffer[..<count] }
        }
        return nil
    }

    private static func spawn(_ words: [String], output: Int32, closing other: Int32) -> (result: Int32, id: pid_t) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addclose(&actions, output)
        unsafe posix_spawn_file_actions_addclose(&actions, other)
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var id: pid_t = 0
        let result = unsafe posix_spawnp(&id, words[0], &actions, nil, &arguments, environ)
        return (result, id)
    }
}
