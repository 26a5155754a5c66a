package import Codecs

/// The four top-level roles after a whole update: signed, current and consistent. Made only by `UpdateWorkflow`.
package struct TrustedMetadataSet: Sendable {
    package let root: SignedMetadata<Root>
    package let timestamp: SignedMetadata<Timestamp>
    package let snapshot: SignedMetadata<Snapshot>
    package let targets: SignedMetadata<Targets>
    /// The time of the update: the given one, or the signed issue time where that is later.
    package let time: UTCDate

    /// The first moment at which one of the four expires, when an update is due at the latest.
    package var expires: UTCDate {
        min(
            min(root.content.expires, timestamp.content.expires),
            min(snapshot.content.expires, targets.content.expires))
    }

    /// Names a file of a role as this repository names it. [TUF §5.5.1, §5.6.1]
    package func file(_ role: Role, version: Int64) -> MetadataFile {
        MetadataFile(role, version: root.content.consistentSnapshot ? version : nil)
    }
}

/// What an update brought.
package struct UpdateOutcome: Sendable {
    package let trusted: TrustedMetadataSet
    /// The top-level roles whose files changed, in the order they were taken.
    package let updated: [Role]
    /// Cached files that could not be used and were fetched again, and why.
    package let healed: [TUFError]
}
