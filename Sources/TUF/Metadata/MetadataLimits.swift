/// What metadata may be at most. Each number is at least what other clients take, so that no repository they follow
/// is refused here for its size.
package struct MetadataLimits: Sendable {
    /// Bytes of a root whose length nothing tells: what python-tuf and go-tuf take. [TUF §5.3.3 W]
    package var rootBytes = 512_000
    /// [TUF §5.4.1 X], as python-tuf and go-tuf.
    package var timestampBytes = 16_384
    /// Bytes where the timestamp lists no length. [TUF §5.5.1 Y], as python-tuf and go-tuf.
    package var snapshotBytes = 2_000_000
    /// Bytes where the snapshot lists no length. [TUF §5.6.1 Z], as python-tuf and go-tuf.
    package var targetsBytes = 5_000_000
    /// A listed length is believed up to here: an online key must not be able to fill a disk.
    package var listedBytes = 16 << 20
    /// Root versions taken in one update, as python-tuf and go-tuf. [TUF §5.3.3 Y]
    package var rootRotations = 256
    /// Delegated roles visited in search of one target, as python-tuf and go-tuf. [TUF §5.6.7.1]
    package var visitedRoles = 32
    /// Delegated roles when all of them are loaded; a fleet of 1,000 teams has about 1,100.
    package var loadedRoles = 4_096

    package init() {}

    /// Objects and arrays inside one another; TUF itself needs seven.
    static let depth = 64
    /// The highest version that every client reads exactly: above 2^53 - 1 common JSON parsers round.
    package static let maximumVersion: Int64 = (1 << 53) - 1
    /// Signatures on one file; far above any threshold.
    static let signatures = 1_024
}
