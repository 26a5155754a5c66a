package import Codecs

/// Which snapshot is current; the only mutable file of a repository with consistent snapshots. [TUF §4.6]
package struct Timestamp: RoleMetadata {
    package static let type = "timestamp"

    package var header: MetadataHeader
    package var snapshot: MetaFile

    package init(header: MetadataHeader, snapshot: MetaFile) {
        self.header = header
        self.snapshot = snapshot
    }

    package init(members: JSONObject) throws(TUFError) {
        header = try MetadataHeader(members, type: Self.type, own: ["meta"])
        let files = try members.members("meta", Self.type)
        guard files.count == 1, let file = files[Self.snapshotFile] else {
            throw TUFError(.malformed, "timestamp.meta does not list snapshot.json and nothing else")
        }
        snapshot = try MetaFile(file, "timestamp.meta.snapshot.json")
    }

    package var members: JSONObject {
        var members = header.members(type: Self.type)
        members["meta"] = .object(JSONObject([(Self.snapshotFile, snapshot.json)]))
        return members.adding(header.otherMembers)
    }

    private static let snapshotFile = "snapshot.json"
}
