/// What a ceremony has made of the fleet's own role: signed with keys that are not on the server, to be published as it is.
package struct SignedTargets: Sendable, Equatable {
    /// The file of the role `targets`.
    package var bytes: [UInt8]
    /// The files of the groups of teams, by role name; none up to 200 teams.
    package var groups: [String: [UInt8]]
    /// The target files that `bytes` lists, such as `fleet/settings.json`.
    package var files: [BuiltFile]

    package init(bytes: [UInt8], groups: [String: [UInt8]] = [:], files: [BuiltFile] = []) {
        self.bytes = bytes
        self.groups = groups
        self.files = files
    }
}
