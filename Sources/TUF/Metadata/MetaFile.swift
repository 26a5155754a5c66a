package import Codecs

/// What timestamp and snapshot say about another metadata file. [TUF §4.4 METAFILES]
package struct MetaFile: Sendable, Equatable {
    package var version: Int64
    package var length: Int?
    package var hashes: Hashes?
    package var otherMembers = JSONObject()

    package init(version: Int64, length: Int? = nil, hashes: Hashes? = nil) {
        self.version = version
        self.length = length
        self.hashes = hashes
    }

    /// Describes a file with its length and SHA-256.
    package init(version: Int64, content: [UInt8]) {
        self.init(version: version, length: content.count, hashes: Hashes(of: content))
    }

    init(_ value: JSON, _ place: String) throws(TUFError) {
        let members = try value.asObject(place)
        version = try members.version(place)
        if members["length"] != nil { length = Int(try members.integer("length", 0...Int64(Int32.max), place)) }
        if members["hashes"] != nil { hashes = try members.hashes(place) }
        otherMembers = members.without("version", "length", "hashes")
    }

    var json: JSON {
        var members = JSONObject([("version", .integer(version))])
        members["length"] = length.map { .integer(Int64($0)) }
        members["hashes"] = hashes.map { .object($0.members) }
        return .object(members.adding(otherMembers))
    }

    /// Compares content with the listed length and hashes. [TUF §5.5.2, §5.6.2]
    ///
    /// Hashes of only unknown algorithms prove nothing and are refused.
    package func check(_ content: [UInt8]) throws(TUFError) {
        if let length, content.count != length {
            throw TUFError(.contentMismatch, "it has \(content.count) bytes where \(length) are listed")
        }
        if let hashes, !hashes.match(content) {
            throw TUFError(.contentMismatch, "its hash is not the listed one")
        }
    }
}
