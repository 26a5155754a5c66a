package import Codecs

/// What an update believes before it starts.
package struct UpdatePolicy: Sendable {
    /// Where trust begins.
    package enum InitialRoot: Sendable {
        /// The cache's root is the trusted one, put there by an administrator.
        case cached
        /// A root that came with the program or its configuration.
        case bytes([UInt8])
        /// The SHA-256 of a root's file, as in a join string, and the version it is fetched by.
        case fingerprint([UInt8], version: Int64)
    }

    package var initialRoot: InitialRoot
    /// The time of the whole update. [TUF §5.1]
    package var now: UTCDate
    /// The fleet that every top-level role must name in `x-roadstead`; nil for repositories that are not ours.
    package var expectedFleet: String?
    /// The lowest versions to take, as a join string carries them, so that a new host cannot be rolled back.
    /// Once the cache holds verified metadata, that is the better floor and these may be dropped.
    package var minimumVersions: [TopLevelRole: Int64] = [:]
    package var limits = MetadataLimits()

    package init(initialRoot: InitialRoot, now: UTCDate, expectedFleet: String? = nil) {
        self.initialRoot = initialRoot
        self.now = now
        self.expectedFleet = expectedFleet
    }
}
