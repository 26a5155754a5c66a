import Codecs
import SigningKeys

/// One line of the decision log: what was decided, chained to the line before by its hash.
///
/// A line is compact JSON whose last member is the SHA-256 over the same JSON without it.
struct LogEntry: Sendable {
    let sequence: Int64
    let previous: String
    let hash: String
    let members: JSONObject

    static let beginning = String(repeating: "0", count: 64)
    static let maximumLine = 1 << 20

    /// Writes the next entry after a hash.
    init(_ content: JSONObject, sequence: Int64, after previous: String) {
        var members = JSONObject([("sequence", .integer(sequence)), ("previous", .string(previous))])
        for (name, value) in content.members { members[name] = value }
        self.sequence = sequence
        self.previous = previous
        hash = Self.hash(of: members)
        members["hash"] = .string(hash)
        self.members = members
    }

    /// Reads a line; nil for what is not exactly one that was written.
    init?(line: [UInt8]) {
        guard let tree = try? JSON(parsing: line, limits: JSONLimits(bytes: Self.maximumLine)),
            var members = tree.objectOrNil, tree.bytes == line, members.names.last == "hash",
            let sequence = members["sequence"]?.integerOrNil, let previous = members["previous"]?.stringOrNil,
            let hash = members["hash"]?.stringOrNil
        else { return nil }
        self.members = members
        members["hash"] = nil
        guard Self.hash(of: members) == hash else { return nil }
        self.sequence = sequence
        self.previous = previous
        self.hash = hash
    }

    var line: [UInt8] { JSON.object(members).bytes + [0x0A] }

    private static func hash(of members: JSONObject) -> String {
        Hex.encode(HashAlgorithm.sha256.digest(of: JSON.object(members).bytes))
    }
}
