import Files
import Glibc
import TokenWire

/// One of the sockets to the program that started this one; each is served by a thread of its own.
///
/// Standard input and output are taken away from the module, since some modules print: what they print goes to standard
/// error and never between two messages.
struct Channel: Sendable {
    private let descriptor: Int32

    /// More sockets than this are not taken over.
    static let maximumLanes = 16
    /// How long the next message is looked for before the thread sleeps.
    private static let soon: Duration = .microseconds(100)

    /// Takes over standard input and, as lanes, the descriptors that follow standard error; nil when one is closed.
    /// Nothing else that was open stays so.
    static func takeOver(lanes: Int) -> (main: Channel, lanes: [Channel])? {
        let numbers = STDERR_FILENO + 1..<STDERR_FILENO + 1 + Int32(lanes)
        let others = (try? Files.list("/proc/self/fd"))?.compactMap { Int32($0) } ?? []
        for number in others where number > STDERR_FILENO && !numbers.contains(number) { close(number) }
        for number in numbers where fcntl(number, F_SETFD, FD_CLOEXEC) != 0 { return nil }
        let main = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
        let nothing = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        guard main >= 0, nothing >= 0, dup2(nothing, STDIN_FILENO) >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0
        else { return nil }
        close(nothing)
        return (Channel(descriptor: main), numbers.map { Channel(descriptor: $0) })
    }

    /// Ends this process soon after its parent, even while the module hangs.
    func endWhenAbandoned() {
        Threads.start { [descriptor] in
            var polled = pollfd(fd: descriptor, events: hangUp, revents: 0)
            while unsafe poll(&polled, 1, -1) <= 0 {}
            sleep(5)
            _exit(3)
        }
    }

    /// The next message; nil at the end of the stream, or when what comes is no frame.
    func receive() -> [UInt8]? {
        lookForNext()
        guard let header = read(Frame.headerBytes), let count = try? Frame.length(header) else { return nil }
        return read(count)
    }

    /// Whether all of it went out.
    func send(_ response: TokenResponse) -> Bool {
        let frame =
            (try? response.frame())
            ?? (try? TokenResponse(TokenError(.wire, "the answer is too long to be sent")).frame())
        var rest = (frame ?? [])[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Looks without rest for a message that follows soon, as one does where many are signed one after the other: waking
    /// this thread would cost more.
    private func lookForNext() {
        let end = ContinuousClock.now + Self.soon
        var byte: UInt8 = 0
        while unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) < 0 {
            guard ContinuousClock.now < end else { return }
        }
    }

    /// Grows with what arrives, not with what was announced.
    private func read(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(count, 65_536))
        while bytes.count < count {
            let wanted = min(buffer.count, count - bytes.count)
            let got = unsafe Glibc.read(descriptor, &buffer, wanted)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return nil }
            bytes += buffer.prefix(got)
        }
        return bytes
    }
}

/// POLLRDHUP: the other end was closed.
private let hangUp: Int16 = 0x2000
