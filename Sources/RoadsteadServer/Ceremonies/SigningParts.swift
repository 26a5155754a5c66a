import Codecs
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import TUF
import TrustModel

/// A stored draft taken up again, whatever its role.
enum DraftInSigning {
    case root(RootDraft)
    case targets(TargetsDraft)

    /// - Parameters:
    ///   - root: the root whose keys sign what is not a root itself.
    ///   - signatures: verified again; none to only show a draft that is past signing.
    init(
        _ record: MetadataDraftRecord, root: [UInt8]?, signatures: [MetadataDraftRecord.Signature],
        oldFiles: [String: [UInt8]] = [:]
    ) throws {
        let collected = signatures.map { ($0.keyID, Hex.encode($0.signature)) }
        guard record.role != "root" else {
            self = .root(try RootDraft(toSign: record.signedPart, after: record.base, signatures: collected))
            return
        }
        guard let root else {
            throw StoreError(.damaged, "there is no root whose keys would sign draft \(record.id)")
        }
        self = .targets(
            try TargetsDraft(
                role: record.role, toSign: record.signedPart, root: root, signatures: collected,
                files: record.files.map { BuiltFile(targetPath: $0.path, bytes: $0.bytes) }, base: record.base,
                oldFiles: oldFiles))
    }

    var keyIDs: [String] {
        switch self {
        case .root(let draft): draft.keyIDs
        case .targets(let draft): draft.keyIDs
        }
    }

    var missing: [String] {
        switch self {
        case .root(let draft): draft.missing
        case .targets(let draft): draft.missing
        }
    }

    var difference: [String] {
        switch self {
        case .root(let draft): draft.difference
        case .targets(let draft): draft.difference
        }
    }

    mutating func add(_ signature: String, by keyID: String) throws {
        switch self {
        case .root(var draft):
            try draft.add(signature: signature, keyID: keyID)
            self = .root(draft)
        case .targets(var draft):
            try draft.add(signature: signature, keyID: keyID)
            self = .targets(draft)
        }
    }

    func close() throws -> [UInt8] {
        switch self {
        case .root(let draft): try draft.close().bytes
        case .targets(let draft): try draft.close()
        }
    }
}

/// What a ceremony does in one fleet, with what is needed to read and to sign it.
struct SigningPart {
    let record: CeremonyFleetRecord
    /// The newest root that is served.
    let servedRoot: [UInt8]?
    let oldFiles: [String: [UInt8]]

    init(_ record: CeremonyFleetRecord, store: ApiStore) async throws {
        self.record = record
        servedRoot = try await store.roots(of: record.fleet).last?.bytes
        var files: [String: [UInt8]] = [:]
        for draft in record.drafts where draft.role != "root" {
            guard let base = draft.base else { continue }
            for path in try TargetsDraft.oldTargetPaths(after: PublishedState(roots: [], targets: base)) {
                files[path] = try await store.files.file(path, of: record.fleet)?.bytes
            }
        }
        oldFiles = files
    }

    /// The root whose keys sign the other drafts: the one that is drafted beside them, else the one that is served.
    private var signingRoot: [UInt8]? { record.drafts.first { $0.role == "root" }?.signedPart ?? servedRoot }

    /// A draft with its signatures, each verified again while the ceremony is open.
    func draft(_ draft: MetadataDraftRecord) throws -> DraftInSigning {
        let signatures = record.state == .open ? draft.signatures : []
        return try DraftInSigning(draft, root: signingRoot, signatures: signatures, oldFiles: oldFiles)
    }

    var body: CeremonyFleetBody {
        get throws {
            CeremonyFleetBody(
                fleet: record.fleet, fleetID: record.fleetID, state: record.state.rawValue,
                startsOver: record.startsOver, targetsOnline: record.targetsOnline, release: record.release,
                reason: record.reason, root: servedRoot.map { Base64.encode($0) },
                drafts: try record.drafts.map(body), keys: record.keys.map { .init(role: $0.role, keyID: $0.keyID) })
        }
    }

    private func body(_ record: MetadataDraftRecord) throws -> MetadataDraftBody {
        let draft = try draft(record)
        let old = record.role == "root" ? [:] : oldFiles
        return MetadataDraftBody(
            id: record.id, role: record.role, version: record.version, baseSHA256: record.baseSHA256,
            base: record.base.map { Base64.encode($0) }, toSign: Base64.encode(record.signedPart),
            files: record.files.map { .init(path: $0.path, bytes: Base64.encode($0.bytes)) },
            oldFiles: old.sorted { $0.key < $1.key }.map { .init(path: $0.key, bytes: Base64.encode($0.value)) },
            difference: draft.difference, keyIDs: draft.keyIDs,
            signatures: shownSignatures(record).map {
                .init(draft: record.id, keyID: $0.keyID, signature: Hex.encode($0.signature))
            }, missing: self.record.state == .open ? draft.missing : [])
    }

    /// What was signed and given up again is not handed out: put together it would still be valid.
    private func shownSignatures(_ draft: MetadataDraftRecord) -> [MetadataDraftRecord.Signature] {
        record.state == .void ? [] : draft.signatures
    }
}
