package import Codecs

/// Target files and who else speaks for which paths: the top-level targets role and every delegated one. [TUF §4.5]
package struct Targets: RoleMetadata {
    package static let type = "targets"

    package var header: MetadataHeader
    package var targets: [TargetName: TargetFile]
    package var delegations: Delegations?
    /// Targets whose names are not plain relative paths: kept because they are signed, never found.
    package var unsafeTargets = JSONObject()

    package init(header: MetadataHeader, targets: [TargetName: TargetFile], delegations: Delegations? = nil) {
        self.header = header
        self.targets = targets
        self.delegations = delegations
    }

    package init(members: JSONObject) throws(TUFError) {
        header = try MetadataHeader(members, type: Self.type, own: ["targets", "delegations"])
        targets = [:]
        for (name, value) in try members.members("targets", Self.type).members {
            let file = try TargetFile(value, "targets.targets.\(name.prefix(80))")
            if let name = try? TargetName(name) { targets[name] = file } else { unsafeTargets[name] = value }
        }
        if members["delegations"] != nil {
            delegations = try Delegations(try members.members("delegations", Self.type))
        }
    }

    package var members: JSONObject {
        var files = JSONObject()
        for (name, file) in targets.sorted(by: { $0.key < $1.key }) { files[name.text] = file.json }
        var members = header.members(type: Self.type)
        members["targets"] = .object(files.adding(unsafeTargets))
        members["delegations"] = delegations?.json
        return members.adding(header.otherMembers)
    }
}
