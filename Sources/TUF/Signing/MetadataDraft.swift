import Codecs
package import SigningKeys

/// Metadata being signed: fixed content and the signatures collected so far, each of which verifies.
///
/// The same content and signatures give the same bytes: members are sorted, signatures are in the order of key ids.
package struct MetadataDraft<Content: RoleMetadata>: Sendable {
    package let content: Content
    /// The exact bytes that every signature is over: canonical JSON of the signed part. [TUF §4.2]
    package let toSign: [UInt8]
    package private(set) var signatures: [MetadataSignature] = []

    /// Fixes the content. Refused: text outside printable ASCII, which clients canonicalise differently; newlines
    /// pass, keys in PEM have them.
    package init(_ content: Content) throws(TUFError) {
        let tree = JSON.object(content.members)
        self.content = content
        toSign = try tree.canonical(Content.type)
        guard toSign.allSatisfy({ (0x20...0x7E).contains($0) || $0 == UInt8(ascii: "\n") }) else {
            throw TUFError(
                .value, "\(Content.type) metadata holds text outside printable ASCII",
                hint: "keep other text out of signed metadata; clients disagree about its canonical form")
        }
    }

    /// Takes up content that was exported for signing elsewhere. The bytes must be canonical.
    package init(toSign bytes: [UInt8], maximumBytes: Int = 16 << 20) throws(TUFError) {
        let limits = JSONLimits(bytes: maximumBytes, depth: MetadataLimits.depth)
        let members: JSONObject
        do { members = try JSON(parsing: Self.escaped(bytes), limits: limits).object(Content.type) } catch {
            throw TUFError(.malformed, "the content to sign: \(error.reason)")
        }
        try self.init(try Content(members: members))
        guard toSign == bytes else { throw TUFError(.malformed, "the content to sign is not in canonical form") }
    }

    /// Takes up a file with the signatures that it has; they are not checked here, a tally does.
    package init(_ metadata: UnverifiedMetadata<Content>) throws(TUFError) {
        try self.init(metadata.unverifiedContent)
        guard toSign == metadata.signedBytes else {
            throw TUFError(.malformed, "the signed part does not keep its form when it is written again")
        }
        signatures = metadata.signatures
        sort()
    }

    /// Adds a signature made elsewhere, after verifying it; one of the same key is replaced.
    package mutating func add(_ signature: [UInt8], by key: Key) throws(TUFError) {
        guard case .verifies(let material, let scheme) = key.use else {
            throw TUFError(.key, "key \(key.id) cannot sign metadata")
        }
        guard material.isValid(signature: signature, over: toSign, scheme: scheme) else {
            throw TUFError(
                .key, "a signature does not verify with key \(key.id) over this \(Content.type) metadata",
                hint: "sign exactly the exported bytes, with \(key.scheme)")
        }
        signatures.removeAll { $0.keyID == key.id }
        signatures.append(MetadataSignature(keyID: key.id, bytes: signature))
        sort()
    }

    /// Signs with a key of ours, in the canonical form of its public key.
    package mutating func sign(with signer: any Signer) async throws {
        try await sign(with: signer, as: Key(signer.publicKey))
    }

    /// Signs under the id by which a key is already listed.
    package mutating func sign(with signer: any Signer, as key: Key) async throws {
        guard key.material == signer.publicKey, let scheme = key.signatureScheme else {
            throw TUFError(.key, "the signer does not hold key \(key.id)")
        }
        try add(try await verifiedSignature(by: signer, over: toSign, scheme: scheme), by: key)
    }

    /// Who of a role has signed so far.
    package func tally(_ quorum: Quorum) -> Tally { quorum.tally(signatures, over: toSign) }

    /// The file: compact JSON with sorted members.
    package var bytes: [UInt8] {
        let file: JSON = ["signatures": .array(signatures.map(\.json)), "signed": .object(content.members)]
        return file.sorted.bytes
    }

    /// The file as signed metadata, refused below the role's threshold.
    package func finish(_ quorum: Quorum) throws(TUFError) -> SignedMetadata<Content> {
        let bytes = bytes
        return try quorum.verify(try UnverifiedMetadata(bytes, maximumBytes: bytes.count))
    }

    /// Canonical JSON has control characters bare, and only inside strings; JSON wants them escaped.
    private static func escaped(_ canonical: [UInt8]) -> [UInt8] {
        canonical.flatMap { $0 == UInt8(ascii: "\n") ? Array("\\n".utf8) : [$0] }
    }

    private mutating func sort() { signatures.sort { $0.keyID < $1.keyID } }
}

extension MetadataDraft where Content == Root {
    /// Who has signed a root of the keys it replaces and of its own: both must be met. [TUF §5.3.4]
    package func tallies(replacing old: Root?) -> (old: Tally?, new: Tally) {
        (old.map { tally($0.quorum(for: .root)) }, tally(content.quorum(for: .root)))
    }

    /// The root file, refused below either threshold or when its version is not the next one.
    package func finish(replacing old: SignedMetadata<Root>?) throws(TUFError) -> SignedMetadata<Root> {
        let bytes = bytes
        let metadata = try UnverifiedMetadata<Root>(bytes, maximumBytes: bytes.count)
        guard let old else { return try SignedMetadata(selfSigned: metadata) }
        guard content.version - 1 == old.version else {
            throw TUFError(.versionMismatch, "root \(content.version) cannot follow root \(old.version)")
        }
        return try old.verifySuccessor(metadata)
    }
}
