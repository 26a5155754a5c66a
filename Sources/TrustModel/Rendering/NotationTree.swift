package import Codecs

/// The files of a Notation configuration directory that does what a host's trust says.
///
/// One bad statement, one stray file or one unfit certificate fails verification far beyond itself, so whatever
/// Notation would choke on is left out here and its scopes reject. [Notary trust-store-trust-policy]
package struct NotationTree: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        /// Path below the configuration directory.
        package let path: String
        package let bytes: [UInt8]
    }

    /// Notation 1.x reads only this policy file.
    package static let policyFile = "trustpolicy.json"
    /// Notation 2.x reads this one first; both have equal bytes.
    package static let ociPolicyFile = "trustpolicy.oci.json"
    /// The store without anchors under which rejected scopes stand. No team's store has this name, they all have a dot.
    package static let rejectingStore = "roadstead-rejected"

    /// Every directory, parents before children; a store without anchors is a directory without files.
    package let directories: [String]
    /// Every file, in the order of their paths.
    package let files: [File]
    package let warnings: [TrustWarning]
    /// How many repositories the policy names.
    package let repositoryCount: Int

    /// Renders a host's trust.
    ///
    /// - Parameters:
    ///   - inexpressible: what to do about constraints and denials that Notation does not know.
    ///   - previous: the trust of the generation before: stores that are gone stay for readers that the switch
    ///     catches with the old policy in hand, though less what is denied now, and no statement names them.
    ///   - now: decides which anchors have passed their `until`.
    package init(
        _ trust: HostTrust, inexpressible: FleetSettings.Inexpressible = .rejectScope, previous: HostTrust? = nil,
        now: UTCDate
    ) {
        var stores = NotationStores(trust, now: now)
        let policy = NotationPolicyText(trust, stores: stores, inexpressible: inexpressible, now: now)
        if let previous { stores.carry(from: previous, denials: trust.denials) }
        let text = policy.bytes
        files =
            ([File(path: Self.policyFile, bytes: text), File(path: Self.ociPolicyFile, bytes: text)] + stores.files)
            .sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        directories = stores.directories
        warnings = stores.warnings + policy.warnings
        repositoryCount = policy.repositoryCount
    }
}
