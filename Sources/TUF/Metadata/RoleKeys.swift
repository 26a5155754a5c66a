package import Codecs

/// Who speaks for a role: key ids and how many of their keys must sign. [TUF §4.3 ROLE]
package struct RoleKeys: Sendable, Equatable {
    package var keyIDs: [KeyID]
    package var threshold: Int
    package var otherMembers = JSONObject()

    package init(_ keyIDs: [KeyID], threshold: Int) throws(TUFError) {
        self.keyIDs = keyIDs
        self.threshold = threshold
        try check("role")
    }

    /// Reads `keyids` and `threshold`; the same id twice is refused. [TUF §4.3]
    init(_ members: JSONObject, _ place: String) throws(TUFError) {
        var ids: [KeyID] = []
        for value in try members.list("keyids", place) { ids.append(KeyID(try value.asText("\(place).keyids"))) }
        keyIDs = ids
        threshold = Int(try members.integer("threshold", 1...Int64(Int32.max), place))
        otherMembers = members.without("keyids", "threshold")
        try check(place)
    }

    var members: JSONObject {
        JSONObject([
            ("keyids", .array(keyIDs.map { .string($0.text) })), ("threshold", .integer(Int64(threshold))),
        ]).adding(otherMembers)
    }

    private func check(_ place: String) throws(TUFError) {
        guard Set(keyIDs).count == keyIDs.count else {
            throw TUFError(.malformed, "\(place) lists a key id twice")
        }
        guard threshold >= 1 else { throw TUFError(.value, "\(place) has the threshold \(threshold)") }
    }
}
