import Dispatch
import Glibc

/// The agent's socket: one connection for each exchange, and every wait ends at a deadline.
struct AgentSocket: Sendable {
    let path: String
    let deadline: Duration

    /// Sends one message and gives the answer, on a queue of its own so that waiting holds no cooperative thread.
    func exchange(_ message: [UInt8]) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "roadstead.agent").async {
                continuation.resume(with: Result { try exchangeNow(message, until: .now + deadline) })
            }
        }
    }

    private func exchangeNow(_ message: [UInt8], until end: ContinuousClock.Instant) throws(AgentError) -> [UInt8] {
        let socket = try connected(until: end)
        defer { close(socket) }
        var rest = AgentWire.string(message)[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if sent > 0 { rest = rest.dropFirst(sent) } else { try wait(socket, POLLOUT, until: end) }
        }
        var header = AgentReader(try receive(4, socket, until: end))
        let count = try header.number()
        guard (1...AgentWire.maximumMessage).contains(count) else {
            throw AgentReader.malformed("it announces \(count) bytes")
        }
        return try receive(count, socket, until: end)
    }

    private func connected(until end: ContinuousClock.Instant) throws(AgentError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw AgentError(.unreachable, "the path of the agent's socket is too long: \(path)")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | closeOnExec | nonBlocking, 0)
        guard socket >= 0 else { throw failed("make a socket for") }
        while true {
            let result = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 { return socket }
            // An agent whose queue is full says so at once; there is nothing to poll for.
            guard [EAGAIN, EINTR].contains(errno), ContinuousClock.now < end else {
                defer { close(socket) }
                throw errno == EAGAIN ? Self.late : failed("reach")
            }
            usleep(20_000)
        }
    }

    private func receive(_ count: Int, _ socket: Int32, until end: ContinuousClock.Instant) throws(AgentError)
        -> [UInt8]
    {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(count, 16_384))
        while bytes.count < count {
            let got = unsafe recv(socket, &buffer, min(buffer.count, count - bytes.count), Int32(MSG_DONTWAIT))
            if got > 0 {
                bytes += buffer[..<got]
            } else if got == 0 {
                throw AgentError(.unreachable, "the agent closed its socket in the middle of an answer")
            } else {
                try wait(socket, POLLIN, until: end)
            }
        }
        return bytes
    }

    private func wait(
        _ socket: Int32, _ event: some BinaryInteger, until end: ContinuousClock.Instant
    ) throws(AgentError) {
        guard [EAGAIN, EINTR].contains(errno) else { throw failed("talk to") }
        let left = (end - .now).components
        let milliseconds = left.seconds * 1_000 + left.attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else { throw Self.late }
        var polled = pollfd(fd: socket, events: Int16(truncatingIfNeeded: event), revents: 0)
        _ = unsafe poll(&polled, 1, Int32(clamping: milliseconds))
    }

    private func failed(_ what: String) -> AgentError {
        let reason = unsafe String(cString: strerror(errno))
        return AgentError(
            .unreachable, "cannot \(what) the agent at \(path): \(reason)", hint: "see whether ssh-add -l reaches it")
    }

    private static let late = AgentError(
        .deadline, "the agent did not answer in time", hint: "it may wait for somebody to confirm, or hang")
}

/// SOCK_CLOEXEC and SOCK_NONBLOCK, which the C library's module gives in other types.
private let closeOnExec: Int32 = 0o2_000_000
private let nonBlocking: Int32 = 0o4_000
