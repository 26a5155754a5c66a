import Codecs
import RoadsteadPublish
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

/// A draft, read here from the exact bytes that are signed. What the server says about them is not looked at.
struct DraftToSign {
    let fleet: CeremonyFleetBody
    let body: MetadataDraftBody
    let bytes: [UInt8]
    /// What signing it changes, a line each.
    let difference: [String]
    let keyIDs: [String]
    /// Whose keys hold the fleet once this is signed.
    let holders: Root

    /// Reads the drafts of a ceremony that wait for signatures.
    ///
    /// - Parameter pins: the roots that are remembered on this machine, by fleet id.
    static func open(in ceremony: CeremonyBody, pins: (String) throws -> ProfileStore.PinnedRoot?) throws
        -> [DraftToSign]
    {
        try ceremony.fleets.filter { $0.state == "open" }.flatMap { fleet in
            let reader = try FleetReader(fleet, pin: try pins(fleet.fleetID.rawValue))
            return try fleet.drafts.map(reader.read)
        }
    }

    var name: String { "\(CeremonyCommand.words(body.role)) version \(body.version) of fleet \(fleet.fleet)" }

    /// All keys that hold the fleet, because a change is told only against what a server has shown.
    func holderLines(own: Set<KeyID>) -> [String] {
        ["keys of fleet \(fleet.fleet) by root \(holders.version):"]
            + [TopLevelRole.root, .targets].flatMap { role in
                let keys = holders[role]
                return ["  \(role.rawValue): \(keys.threshold) of these must sign"]
                    + keys.keyIDs.map { "    \($0)\(own.contains($0) ? " (yours)" : "")" }
            }
    }

    func counts(_ key: Key) -> Bool { keyIDs.contains(key.id.text) }

    func signature(by signer: some Signer, _ key: Key) async throws -> DraftSignatureBody {
        guard let scheme = key.signatureScheme else {
            throw RemoteError(
                .usage, "a key of type \(signer.publicKey.type) cannot hold a fleet",
                hint: "use Ed25519, P-256, P-384 or RSA")
        }
        let signature = try await verifiedSignature(by: signer, over: bytes, scheme: scheme)
        return DraftSignatureBody(draft: body.id, keyID: key.id.text, signature: Hex.encode(signature))
    }

    /// Takes a signature that another program made, if it is one over these bytes.
    func signature(_ signature: [UInt8], by key: Key) -> DraftSignatureBody? {
        guard counts(key), case .verifies(let material, let scheme) = key.use,
            material.isValid(signature: signature, over: bytes, scheme: scheme)
        else { return nil }
        return DraftSignatureBody(draft: body.id, keyID: key.id.text, signature: Hex.encode(signature))
    }
}

/// Reads what a ceremony changes in one fleet, and holds it against what is known here.
private struct FleetReader {
    let fleet: CeremonyFleetBody
    private let servedRoot: [UInt8]?
    private let signingRoot: [UInt8]?

    init(_ fleet: CeremonyFleetBody, pin: ProfileStore.PinnedRoot?) throws {
        self.fleet = fleet
        servedRoot = try fleet.root.map { try Base64.decode($0) }
        let drafted = try fleet.drafts.first { $0.role == "root" }.map { try Base64.decode($0.toSign) }
        signingRoot = drafted ?? servedRoot
        try check(pin)
    }

    func read(_ draft: MetadataDraftBody) throws -> DraftToSign {
        let bytes = try Base64.decode(draft.toSign)
        let base = try draft.base.map { try Base64.decode($0) }
        return draft.role == "root" ? try root(draft, bytes, base) : try targets(draft, bytes, base)
    }

    private func root(_ body: MetadataDraftBody, _ bytes: [UInt8], _ base: [UInt8]?) throws -> DraftToSign {
        let draft = try RootDraft(toSign: bytes, after: base, signatures: [])
        let root = try MetadataDraft<Root>(toSign: bytes).content
        try requireFleet(root.stamp?.fleet, root.version, body)
        guard base == servedRoot else {
            throw lie("the fleet keys to follow are not the ones that the fleet serves")
        }
        return DraftToSign(
            fleet: fleet, body: body, bytes: bytes, difference: draft.difference, keyIDs: draft.keyIDs, holders: root)
    }

    private func targets(_ body: MetadataDraftBody, _ bytes: [UInt8], _ base: [UInt8]?) throws -> DraftToSign {
        guard let signingRoot else { throw lie("there are no fleet keys that could sign the fleet's settings") }
        let content = try MetadataDraft<Targets>(toSign: bytes).content
        try requireFleet(content.stamp?.fleet, content.version, body)
        if let base { try checkBase(base, body) }
        let files = try body.files.map { BuiltFile(targetPath: $0.path, bytes: try Base64.decode($0.bytes)) }
        let alone = try servedRoot.map { try RootSummary($0).targetsOnline } ?? false
        let draft = try TargetsDraft(
            role: body.role, toSign: bytes, root: signingRoot, signatures: [], files: files, base: alone ? nil : base,
            oldFiles: try oldFiles(body))
        return DraftToSign(
            fleet: fleet, body: body, bytes: bytes,
            difference: (alone ? ["all of it: what was before, the server alone has signed"] : []) + draft.difference,
            keyIDs: draft.keyIDs, holders: try Self.content(signingRoot))
    }

    /// A root as a file, or as the bytes to sign.
    private static func content(_ root: [UInt8]) throws -> Root {
        let limit = PublishingLimits.rootBytes
        if let file = try? UnverifiedMetadata<Root>(root, maximumBytes: limit) { return file.unverifiedContent }
        return try MetadataDraft<Root>(toSign: root, maximumBytes: limit).content
    }

    /// What the draft is compared with must be what the fleet's present keys have signed, groups of teams too.
    private func checkBase(_ base: [UInt8], _ body: MetadataDraftBody) throws {
        guard let servedRoot else { throw lie("there are settings to follow, and no fleet keys") }
        let root = try UnverifiedMetadata<Root>(servedRoot, maximumBytes: PublishingLimits.rootBytes).unverifiedContent
        let targets = try UnverifiedMetadata<Targets>(base, maximumBytes: PublishingLimits.targetsBytes)
        do { _ = try root.quorum(for: .targets).verify(targets) } catch {
            throw lie("the settings to follow are not signed with the fleet's present keys: \(error.reason)")
        }
    }

    /// Files under the digest in their names; others would show changes that are none.
    private func oldFiles(_ body: MetadataDraftBody) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for file in body.oldFiles {
            let bytes = try Base64.decode(file.bytes)
            guard file.path.split(separator: "/").last?.hasPrefix(Self.digest(bytes) + ".") == true else {
                throw lie("the file \(file.path.prefix(200)) has other bytes than its name says")
            }
            files[file.path] = bytes
        }
        return files
    }

    private func requireFleet(_ stamp: String?, _ version: Int64, _ body: MetadataDraftBody) throws {
        guard stamp == fleet.fleetID.rawValue, version == body.version else {
            throw lie("the bytes to sign are version \(version) of fleet \(stamp ?? "nobody"), not what was asked for")
        }
    }

    /// The root that the server shows must be the one that is remembered here, or a later one.
    private func check(_ pin: ProfileStore.PinnedRoot?) throws {
        guard let pin else { return }
        guard let servedRoot else {
            throw lie("the server knows of no fleet keys, and version \(pin.version) is remembered here")
        }
        let served = try RootSummary(servedRoot)
        guard served.version >= pin.version, served.version > pin.version || served.sha256 == pin.sha256 else {
            throw lie(
                "the fleet keys version \(served.version) that the server shows are not those that are remembered here "
                    + "(version \(pin.version), sha256 \(pin.sha256))")
        }
    }

    private func lie(_ reason: String) -> RemoteError {
        RemoteError(
            .mismatch, "fleet \(fleet.fleet): \(reason)", hint: "sign nothing; find out who changed the server")
    }

    private static func digest(_ bytes: [UInt8]) -> String { Hex.encode(HashAlgorithm.sha256.digest(of: bytes)) }
}
