import Codecs

/// What a host holds of its fleet's metadata: sent when the server answered `host-ahead`, so that what a restored
/// database has lost can be taken in again.
///
/// The server believes none of it that does not verify under the fleet's own root.
package struct HostMetadata: Codable, Sendable, Equatable {
    /// Tells these bytes from everything else that a host signs.
    package static let kind = "roadstead-host-metadata-v1"
    /// Most bytes of a request, Base64 and all.
    package static let largestRequest = 16 << 20

    package let kind: String
    /// The host's id, as its receipts name it.
    package let host: String
    /// The receipt's number that was answered `host-ahead`.
    package let sequence: Int64
    /// Trusted metadata files by role (`root`, `timestamp`, `snapshot`, `targets`, `deny`, a team's name, …), each as
    /// received, in Base64. Earlier roots, where the host keeps them, under `N.root`.
    package let files: [String: String]
    /// Target files by name, as far as the host has them: `deny/deny.json` before all others, in Base64.
    package let targets: [String: String]

    package init(host: String, sequence: Int64, files: [String: [UInt8]], targets: [String: [UInt8]] = [:]) {
        kind = Self.kind
        self.host = host
        self.sequence = sequence
        self.files = files.mapValues { Base64.encode($0) }
        self.targets = targets.mapValues { Base64.encode($0) }
    }

    /// Reads bytes whose signature was verified.
    package init(verifiedBytes: [UInt8]) throws {
        let limits = JSONLimits(bytes: Self.largestRequest, depth: 4)
        self = try JSON(parsing: verifiedBytes, limits: limits).decode(Self.self)
        guard kind == Self.kind else { throw CodecError(.type, "these bytes are not a host's metadata") }
    }

    /// The bytes that are signed and sent.
    package func signedBytes() throws -> [UInt8] { try JSON(encoding: self).canonicalBytes() }
}

/// `POST /v1/hosts/{host}/metadata`: what a host holds, and the host's signature over those bytes.
package struct HostMetadataEnvelope: Codable, Sendable, Equatable {
    /// Base64 of the canonical JSON of a `HostMetadata`.
    package let metadata: String
    /// Base64.
    package let signature: String

    package init(metadata: String, signature: String) {
        self.metadata = metadata
        self.signature = signature
    }
}
