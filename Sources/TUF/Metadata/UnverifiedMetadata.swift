import Codecs

/// A metadata file as received: its form is right, and nothing in it is to be believed yet.
package struct UnverifiedMetadata<Content: RoleMetadata>: Sendable {
    /// The received bytes, which are what is kept.
    package let bytes: [UInt8]
    package let signatures: [MetadataSignature]
    /// The canonical form of the signed part, unknown members included: what signatures are over. [TUF §4.2]
    package let signedBytes: [UInt8]
    /// What the file claims.
    package let unverifiedContent: Content

    /// Reads a file. Refused: more bytes than allowed, another role's type, a key id with two signatures. [TUF §4.2]
    package init(_ bytes: [UInt8], maximumBytes: Int) throws(TUFError) {
        guard bytes.count <= maximumBytes else {
            throw TUFError(.tooLarge, "it has \(bytes.count) bytes, at most \(maximumBytes) are taken")
        }
        let members = try Self.parse(bytes)
        let signed = try members.members("signed", "metadata")
        self.bytes = bytes
        signatures = try Self.signatures(try members.list("signatures", "metadata"))
        signedBytes = try JSON.object(signed).canonical("metadata.signed")
        unverifiedContent = try Content(members: signed)
    }

    private static func parse(_ bytes: [UInt8]) throws(TUFError) -> JSONObject {
        do {
            let limits = JSONLimits(bytes: bytes.count, depth: MetadataLimits.depth)
            return try JSON(parsing: bytes, limits: limits).object("metadata")
        } catch {
            throw TUFError(error.code == .limit ? .tooLarge : .malformed, error.reason)
        }
    }

    private static func signatures(_ values: [JSON]) throws(TUFError) -> [MetadataSignature] {
        guard values.count <= MetadataLimits.signatures else {
            throw TUFError(
                .tooLarge, "it has \(values.count) signatures, at most \(MetadataLimits.signatures) are read")
        }
        var signatures: [MetadataSignature] = []
        var seen: Set<KeyID> = []
        for value in values {
            let signature = try MetadataSignature(value)
            guard seen.insert(signature.keyID).inserted else {
                throw TUFError(.malformed, "it has two signatures of key \(signature.keyID.text.prefix(64))")
            }
            signatures.append(signature)
        }
        return signatures
    }
}
