import SigningKeys
import TUF
import TrustModel

/// A root that a server sent and that has the digest which the fleet's operator gave.
struct PinnedRoot: Sendable {
    let bytes: [UInt8]
    let version: Int64
    let fleetID: FleetID

    /// - Parameter expected: the fleet that it must name; any when nil.
    init(
        _ bytes: [UInt8], sha256: [UInt8], fleetID expected: FleetID?, fleet: FleetName, server: ServerAddress
    ) throws {
        guard HashAlgorithm.sha256.digest(of: bytes) == sha256 else {
            throw AgentError(
                .wrongRoot,
                "the root that \(server) sends for fleet \"\(fleet)\" is not the pinned one; nothing was written",
                hint:
                    "ask the fleet's operator for a new join string; if it is right, somebody is between you and the server"
            )
        }
        let metadata = try UnverifiedMetadata<Root>(bytes, maximumBytes: MetadataLimits().rootBytes)
        let root = try SignedMetadata(selfSigned: metadata).content
        guard let stamp = root.stamp, let fleetID = FleetID(rawValue: stamp.fleet) else {
            throw AgentError(.wrongRoot, "the pinned root names no fleet; nothing was written")
        }
        if let expected, expected != fleetID {
            throw AgentError(
                .wrongRoot, "the pinned root belongs to fleet \(fleetID), not to \(expected); nothing was written",
                hint: "ask the fleet's operator for a new join string")
        }
        self.bytes = bytes
        self.fleetID = fleetID
        version = root.version
    }
}
