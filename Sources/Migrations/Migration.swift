internal import CMigrations
import Codecs
import SigningKeys

/// One step of the schema, forward only: `NNNN_noun_phrase`, SQL whose first line is a comment that says why.
package struct Migration: Sendable, Hashable {
    package let version: Int
    /// The file's name without `.sql`.
    package let name: String
    package let sql: String
    /// The SHA-256 of the file in hex, by which a change after the fact is noticed.
    package let sha256: String

    package init(name: String, bytes: [UInt8]) throws(MigrationError) {
        let parts = name.split(separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
        let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789_")
        guard parts.count == 2, parts[0].count == 4, parts[0].allSatisfy({ ("0"..."9").contains($0) }),
            let version = Int(parts[0]), version > 0, !parts[1].isEmpty, parts[1].allSatisfy(allowed.contains)
        else {
            throw MigrationError(.malformed, "the migration \"\(name)\" is not named like 0001_noun_phrase")
        }
        guard let sql = String(validating: bytes, as: UTF8.self), !bytes.contains(0), sql.hasPrefix("-- ") else {
            throw MigrationError(
                .malformed, "the migration \"\(name)\" is not UTF-8 text that begins with a comment",
                hint: "say in the first line, after \"-- \", what it is for")
        }
        self.version = version
        self.name = name
        self.sql = sql
        sha256 = Hex.encode(HashAlgorithm.sha256.digest(of: bytes))
    }

    /// The migrations that were compiled in, in the order of their numbers.
    package static func compiled() throws(MigrationError) -> [Migration] {
        var result: [Migration] = []
        while true {
            let file = unsafe embedded_migration(result.count)
            guard let name = unsafe file.name else { break }
            let bytes = unsafe [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.count))
            result.append(try Migration(name: unsafe String(cString: name), bytes: bytes))
        }
        return result
    }
}
