/// A name of an object in the form in which it may stand in SQL.
package struct SQLName: Sendable, Hashable, CustomStringConvertible {
    /// The name in double quotes, with its own doubled.
    package let description: String

    /// At most 63 bytes, the server's limit, and no NUL.
    package init(_ name: String) throws(PostgresError) {
        guard (1...63).contains(name.utf8.count), !name.utf8.contains(0) else {
            throw PostgresError(.settings, "\"\(name)\" cannot name an object: a name has 1 to 63 bytes")
        }
        var quoted = "\""
        for character in name.unicodeScalars {
            quoted.unicodeScalars.append(character)
            if character == "\"" { quoted.unicodeScalars.append(character) }
        }
        description = quoted + "\""
    }
}
