/// The bytes of an OCI image layout, wherever they lie.
///
/// The names are the digest's own, so an implementation never sees text that a stranger chose.
package protocol LayoutStore: Sendable {
    /// The file `oci-layout`, or nil where there is none.
    func layoutFile() throws -> [UInt8]?
    /// The file `index.json`, or nil where there is none.
    func index() throws -> [UInt8]?
    /// The blob of a digest, or nil where there is none; one larger than `limit` is an error.
    func blob(_ digest: Digest, limit: Int) throws -> [UInt8]?
    /// Stores a blob durably before it returns; one that is already there is left alone.
    func write(_ bytes: [UInt8], as digest: Digest) throws
    /// Changes `index.json` as a whole while no other writer does: reads it, and stores what `change` makes of it.
    func updateIndex(_ change: ([UInt8]?) throws -> [UInt8]) throws
}
