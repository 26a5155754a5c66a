package import Codecs

/// A file the repository vouches for: its length, hashes and what the signer says about it. [TUF §4.5 TARGETS]
package struct TargetFile: Sendable, Equatable {
    package var length: Int64
    package var hashes: Hashes
    package var custom: JSONObject?
    package var otherMembers = JSONObject()

    package init(length: Int64, hashes: Hashes, custom: JSONObject? = nil) {
        self.length = length
        self.hashes = hashes
        self.custom = custom
    }

    package init(content: [UInt8], custom: JSONObject? = nil) {
        self.init(length: Int64(content.count), hashes: Hashes(of: content), custom: custom)
    }

    init(_ value: JSON, _ place: String) throws(TUFError) {
        let members = try value.asObject(place)
        length = try members.integer("length", 0...MetadataLimits.maximumVersion, place)
        hashes = try members.hashes(place)
        if members["custom"] != nil { custom = try members.members("custom", place) }
        otherMembers = members.without("length", "hashes", "custom")
    }

    var json: JSON {
        var members = JSONObject([("length", .integer(length)), ("hashes", .object(hashes.members))])
        members["custom"] = custom.map { .object($0) }
        return .object(members.adding(otherMembers))
    }

    /// Compares downloaded content with length and hashes; at least one known hash must be listed. [TUF §5.7.3]
    package func check(_ content: [UInt8]) throws(TUFError) {
        guard Int64(content.count) == length else {
            throw TUFError(.contentMismatch, "the target has \(content.count) bytes where \(length) are listed")
        }
        guard hashes.isUsable else {
            throw TUFError(.contentMismatch, "the target is listed with no hash of a known algorithm")
        }
        guard hashes.match(content) else {
            throw TUFError(.contentMismatch, "the target's hash is not the listed one")
        }
    }
}
