import Glibc

/// What is piped into this process.
enum StandardInput {
    /// All of it, at most `limit` bytes.
    static func read(limit: Int) throws(CommandError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe Glibc.read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
            guard bytes.count <= limit else {
                throw CommandError(.environment, "standard input has more than the \(limit) bytes that are read")
            }
        }
    }
}
