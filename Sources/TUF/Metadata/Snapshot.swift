package import Codecs

/// The version of every targets role, so that none can be rolled back or mixed with others. [TUF §4.4]
package struct Snapshot: RoleMetadata {
    package static let type = "snapshot"

    package var header: MetadataHeader
    /// The top-level targets.
    package var targets: MetaFile
    /// Delegated roles; one that was ever listed must stay listed. [TUF §5.5.5]
    package var delegated: [RoleName: MetaFile]
    /// Files that are not of targets roles, such as `root.json`, which old repositories list.
    package var otherFiles = JSONObject()

    package init(header: MetadataHeader, targets: MetaFile, delegated: [RoleName: MetaFile]) {
        self.header = header
        self.targets = targets
        self.delegated = delegated
    }

    package init(members: JSONObject) throws(TUFError) {
        header = try MetadataHeader(members, type: Self.type, own: ["meta"])
        let files = try members.members("meta", Self.type)
        guard let top = files[Role.targets.fileName] else {
            throw TUFError(.malformed, "snapshot.meta does not list targets.json")
        }
        targets = try MetaFile(top, "snapshot.meta.targets.json")
        delegated = [:]
        for (file, value) in files.members where file.utf8.elementsEqual("targets.json".utf8) == false {
            if RoleName.reserved.contains(where: { "\($0).json".utf8.elementsEqual(file.utf8) }) {
                otherFiles[file] = value
            } else {
                delegated[try Self.role(of: file)] = try MetaFile(value, "snapshot.meta.\(file.prefix(80))")
            }
        }
    }

    package var members: JSONObject {
        var files = JSONObject([(Role.targets.fileName, targets.json)])
        for (name, file) in delegated.sorted(by: { $0.key < $1.key }) { files["\(name.text).json"] = file.json }
        var members = header.members(type: Self.type)
        members["meta"] = .object(files.adding(otherFiles))
        return members.adding(header.otherMembers)
    }

    private static func role(of file: String) throws(TUFError) -> RoleName {
        guard let stem = String(file.utf8.dropLast(5)), file.utf8.suffix(5).elementsEqual(".json".utf8) else {
            throw TUFError(.malformed, "snapshot.meta lists \"\(file.prefix(80))\", which is not a metadata file")
        }
        return try RoleName(stem)
    }
}
