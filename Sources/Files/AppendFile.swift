import Glibc

/// A file that only grows: what `append` reports as written is on disk. Held open, and by one process at a time.
package final class AppendFile {
    private let file: Descriptor
    private let path: String

    /// Opens or makes the file, mode 0600, and locks it.
    ///
    /// - Throws: `.locked` while another process holds it.
    package init(_ path: String) throws(FileError) {
        let isNew = !Files.exists(path)
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW
        let file = try Descriptor("append to", path, flags: flags, mode: 0o600)
        let number = file.number
        try system("lock", path) { flock(number, LOCK_EX | LOCK_NB) }
        if isNew { try Files.syncDirectory(Files.parent(of: path)) }
        self.file = file
        self.path = path
    }

    /// Cuts the file off behind its first bytes, such as after a line that was never finished.
    package func truncate(to count: Int) throws(FileError) {
        let number = file.number
        try system("truncate", path) { ftruncate(number, count) }
        try system("sync", path) { fdatasync(number) }
    }

    package func append(_ bytes: [UInt8]) throws(FileError) {
        var start = 0
        let number = file.number
        while start < bytes.count {
            start += try system("append to", path) {
                unsafe bytes[start...].withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
            }
        }
        try system("sync", path) { fdatasync(number) }
    }
}

extension Files {
    /// Reads a file of any size line by line; a last line without its end is told apart.
    ///
    /// - Parameter limit: a longer line is an error, and never in memory.
    package static func readLines(
        _ path: String, limit: Int, _ body: (_ line: [UInt8], _ isWhole: Bool) throws -> Void
    ) throws {
        let file = try Descriptor("read", path, flags: O_RDONLY)
        let number = file.number
        var (rest, buffer): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 65_536))
        while true {
            let count = try system("read", path) {
                unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            }
            if count == 0 { break }
            for part in buffer[..<count].split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
                if part.offset > 0 {
                    try body(rest, true)
                    rest = []
                }
                rest += part.element
                guard rest.count <= limit else {
                    throw FileError(.limit, "\(path) has a line of more than \(limit) bytes")
                }
            }
        }
        if !rest.isEmpty { try body(rest, false) }
    }
}
