import Glibc

/// A plain connection to the service, for what no client library would do.
final class RawConnection {
    struct Failure: Error {}

    private let socket: Int32

    /// Connects; every wait for an answer ends after ten seconds.
    init(port: Int) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var time = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure() }
    }

    deinit { close(socket) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// What comes next; empty when the connection has ended, nil when nothing came in time.
    func receive() -> String? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket, &bytes, bytes.count, 0)
        if count < 0 { return errno == EAGAIN ? nil : "" }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// A request and the head of its answer.
    func ask(_ head: String) -> String? {
        send(head + "\r\nHost: signer\r\n\r\n")
        return receive()
    }
}
