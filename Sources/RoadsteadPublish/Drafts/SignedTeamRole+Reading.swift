import TUF
package import TrustModel

extension SignedTeamRole {
    /// Whether the role says what a content says, signed by who speaks for the team now.
    package func says(_ content: TeamContent, signedBy quorum: TeamQuorum) -> Bool {
        guard
            let metadata = try? UnverifiedMetadata<Targets>(bytes, maximumBytes: PublishingLimits.targetsBytes),
            (try? quorum.quorum(of: content.name.rawValue).verify(metadata)) != nil,
            let bundle = try? content.checkedBundle
        else { return false }
        return bundle.listing == metadata.unverifiedContent.targets
    }
}

extension BuiltFile {
    /// A target file as it was kept, by the path at which fleets serve it.
    package init(targetPath path: String, bytes: [UInt8]) {
        self.init(kind: .target, path: path, bytes: bytes, role: nil, version: nil, sha256: hexSHA256(bytes))
    }
}
