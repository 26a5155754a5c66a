import Dispatch
import Glibc
import Synchronization
import TokenWire

/// This end of one socket to a helper. Used by one task at a time.
@safe final class HelperSocket: Sendable {
    private let number: Int32
    private let queue = DispatchQueue(label: "roadstead.token.lane")
    private let wasQuick = Mutex(false)

    /// Longer than a token in software takes with an EC key, shorter than any other does.
    private static let soon: Duration = .microseconds(300)

    private init(number: Int32) { self.number = number }

    deinit { Glibc.close(number) }

    /// A new pair. Their end lies where no number is that a child gives to its own.
    static func pair() throws(TokenError) -> (ours: HelperSocket, theirs: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | closeOnExec, 0, &ends) == 0 else {
            throw TokenError(.start, "no socket for the token helper could be made")
        }
        let ours = HelperSocket(number: ends[0])
        defer { Glibc.close(ends[1]) }
        let theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, 64)
        guard theirs >= 0 else { throw TokenError(.start, "no socket for the token helper could be made") }
        return (ours, theirs)
    }

    /// Tells the other end that nothing more comes; what holds the number goes with this object.
    func close() { shutdown(number, Int32(SHUT_RDWR)) }

    /// Sends a frame and gives the message that answers it, which is waited for on a thread of this socket's own. What can
    /// be sent at once is sent before that thread wakes, so that it wakes while the helper works.
    ///
    /// A token that answered soon the last time is waited for in place, for as long as ``soon``: that costs less than
    /// waking two threads one after the other.
    func exchange(_ frame: [UInt8], within time: Duration) async throws -> [UInt8] {
        let start = ContinuousClock.now
        let end = start + time
        let rest = frame.dropFirst(max(0, sendNow(frame[...])))
        let isQuick = wasQuick.withLock { $0 }
        defer { wasQuick.withLock { $0 = ContinuousClock.now - start < Self.soon } }
        if isQuick, rest.isEmpty, hasAnswer(before: min(end, start + Self.soon)) {
            return try receiveFrame(until: end)
        }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { () throws in try self.exchange(rest, until: end) }) }
        }
    }

    /// Sends a frame, or the rest of one, and gives the message that answers it.
    func exchange(_ frame: ArraySlice<UInt8>, until end: ContinuousClock.Instant) throws(TokenError) -> [UInt8] {
        var rest = frame
        while !rest.isEmpty {
            let sent = sendNow(rest)
            if sent > 0 {
                rest = rest.dropFirst(sent)
            } else {
                try waitOrThrow(POLLOUT, until: end)
            }
        }
        return try receiveFrame(until: end)
    }

    private func receiveFrame(until end: ContinuousClock.Instant) throws(TokenError) -> [UInt8] {
        let count = try Frame.length(try receive(Frame.headerBytes, until: end))
        return try receive(count, until: end)
    }

    /// Whether a whole answer, or the end of the stream, came before a moment; looks without rest. Part of an answer does
    /// not count, so that nobody waits here for the rest of it.
    private func hasAnswer(before end: ContinuousClock.Instant) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        repeat {
            let count = unsafe recv(number, &buffer, buffer.count, Int32(MSG_PEEK | MSG_DONTWAIT))
            if count == 0 { return true }
            if count > Frame.headerBytes, let size = try? Frame.length(Array(buffer.prefix(Frame.headerBytes))),
                count >= Frame.headerBytes + size
            {
                return true
            }
        } while ContinuousClock.now < end
        return false
    }

    /// How many bytes went out without waiting.
    private func sendNow(_ bytes: ArraySlice<UInt8>) -> Int {
        unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
    }

    /// Grows with what arrives, not with what was announced.
    private func receive(_ count: Int, until end: ContinuousClock.Instant) throws(TokenError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(count, 65_536))
        while bytes.count < count {
            let wanted = min(buffer.count, count - bytes.count)
            let got = unsafe recv(number, &buffer, wanted, Int32(MSG_DONTWAIT))
            if got > 0 {
                bytes += buffer.prefix(got)
            } else if got == 0 {
                throw Self.crashed
            } else {
                try waitOrThrow(POLLIN, until: end)
            }
        }
        return bytes
    }

    /// After a call that could not go on: waits where that helps.
    private func waitOrThrow(
        _ event: some BinaryInteger, until end: ContinuousClock.Instant
    ) throws(TokenError) {
        guard [EAGAIN, EWOULDBLOCK, EINTR].contains(errno) else { throw Self.crashed }
        while true {
            let left = end - .now
            guard left > .zero else {
                throw TokenError(
                    .deadline, "the token did not answer in time, so its helper process was ended",
                    hint: "see whether the token or the network to it hangs")
            }
            var polled = pollfd(fd: number, events: Int16(truncatingIfNeeded: event), revents: 0)
            let milliseconds = left.components.seconds * 1_000 + left.components.attoseconds / 1_000_000_000_000_000
            if unsafe poll(&polled, 1, Int32(clamping: milliseconds + 1)) > 0 { return }
        }
    }

    private static let crashed = TokenError(
        .crashed, "the token helper ended in the middle of its work",
        hint: "the PKCS#11 module may have crashed; see its own logs")
}

/// SOCK_CLOEXEC, which the C library's module gives in another type.
private let closeOnExec: Int32 = 0o2_000_000
