import Files
import Glibc
import TokenWire

/// The socket to the program that started this one.
///
/// Standard input and output are taken away from the module, since some modules print: what they print goes to standard
/// error and never between two messages.
struct Channel: Sendable {
    private let descriptor: Int32

    /// Takes over standard input; nil when it is closed. Nothing else that was open stays so.
    init?() {
        let others = (try? Files.list("/proc/self/fd"))?.compactMap { Int32($0) } ?? []
        for number in others where number > STDERR_FILENO { close(number) }
        descriptor = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
        let nothing = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0, nothing >= 0, dup2(nothing, STDIN_FILENO) >= 0,
            dup2(STDERR_FILENO, STDOUT_FILENO) >= 0
        else { return nil }
        close(nothing)
    }

    /// Ends this process soon after its parent, even while the module hangs.
    func endWhenAbandoned() {
        var thread = pthread_t()
        let place = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        unsafe place.initialize(to: descriptor)
        _ = unsafe pthread_create(
            &thread, nil,
            { place in
                guard let place = unsafe place?.load(as: Int32.self) else { return nil }
                var polled = pollfd(fd: place, events: hangUp, revents: 0)
                while unsafe poll(&polled, 1, -1) <= 0 {}
                sleep(5)
                _exit(3)
            }, place)
    }

    /// The next message; nil at the end of the stream, or when what comes is no frame.
    func receive() -> [UInt8]? {
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
