import Codecs
import RoadsteadPublish
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

/// What a ceremony has published in one fleet, held against what was signed and is remembered on this machine.
struct ClosedFleet {
    /// What a fleet serves as it was signed.
    struct Result: Codable, Sendable {
        let fleet: FleetName
        let fleetID: FleetID
        let role: String
        let version: Int64
        let sha256: String
    }

    let fleet: CeremonyFleetBody
    let client: APIClient
    let store: ProfileStore
    /// The digest of a root that begins anew, as its makers have told it.
    let accepted: String?

    /// Checks every file of the ceremony, then remembers the fleet's root.
    func check() async throws -> [Result] {
        let root = try await trustedRoot()
        var results: [Result] = []
        for draft in fleet.drafts { results.append(try await check(draft, under: root)) }
        try remember(root)
        return results
    }

    /// The root that speaks for the fleet since the ceremony.
    private func trustedRoot() async throws -> SignedMetadata<Root> {
        let served = ServedRoots(fleet: fleet.fleet, fleetID: fleet.fleetID, client: client)
        let pin = try store.pinnedRoot(fleetID: fleet.fleetID.rawValue)
        if let draft = fleet.drafts.first(where: { $0.role == "root" }) {
            // Whoever signed that a fleet starts over knows its new root by that alone.
            let own = try fleet.startsOver && isRemembered(draft)
            return try await served.root(draft.version, from: own ? nil : pin, accepted: accepted)
        }
        guard let bytes = try fleet.root.map({ try Base64.decode($0) }) else {
            throw lie("the server knows of no fleet keys")
        }
        return try await served.root(try RootSummary(bytes).version, from: pin, accepted: accepted)
    }

    private func check(_ draft: MetadataDraftBody, under root: SignedMetadata<Root>) async throws -> Result {
        let words = "\(CeremonyCommand.words(draft.role)) version \(draft.version)"
        let toSign = try Base64.decode(draft.toSign)
        guard try memory(of: draft) == nil || isRemembered(draft) else {
            throw lie("the server's \(words) is not what was signed here")
        }
        let (bytes, signed) = try await published(draft, under: root)
        guard signed == toSign else { throw lie("what it serves as \(words) is not what was signed") }
        return Result(
            fleet: fleet.fleet, fleetID: fleet.fleetID, role: draft.role, version: draft.version,
            sha256: ServedRoots.digest(bytes))
    }

    /// A served file whose quorum has signed it, and the part of it that is signed.
    private func published(
        _ draft: MetadataDraftBody, under root: SignedMetadata<Root>
    ) async throws -> (bytes: [UInt8], signed: [UInt8]) {
        guard draft.role != "root" else {
            let file = try UnverifiedMetadata<Root>(root.bytes, maximumBytes: PublishingLimits.rootBytes)
            return (root.bytes, file.signedBytes)
        }
        let bytes = try await client.publishedFile(
            "/fleets/\(fleet.fleet)/metadata/\(draft.version).\(draft.role).json")
        let file = try UnverifiedMetadata<Targets>(bytes, maximumBytes: PublishingLimits.targetsBytes)
        do { _ = try root.content.quorum(for: .targets).verify(file) } catch {
            throw lie("what it serves as version \(draft.version) of \(draft.role) is not signed: \(error.reason)")
        }
        return (bytes, file.signedBytes)
    }

    // MARK: What is remembered

    /// What was signed here as this version of this role.
    private func memory(of draft: MetadataDraftBody) throws -> ProfileStore.SignedDraft? {
        let memory = try store.signedDraft(fleetID: fleet.fleetID.rawValue, role: draft.role)
        return memory?.version == draft.version ? memory : nil
    }

    private func isRemembered(_ draft: MetadataDraftBody) throws -> Bool {
        try memory(of: draft)?.sha256 == ServedRoots.digest(try Base64.decode(draft.toSign))
    }

    private func remember(_ root: SignedMetadata<Root>) throws {
        let (id, new) = (fleet.fleetID.rawValue, ProfileStore.PinnedRoot(root))
        let pin = try store.pinnedRoot(fleetID: id)
        if pin == nil {
            Terminal.note(
                "fleet \(fleet.fleet): its keys are remembered here from now on; compare the digest with other holders'"
            )
        }
        guard pin.map({ $0.version < new.version || accepted?.lowercased() == new.sha256 }) ?? true else { return }
        try store.pin(new, fleetID: id)
    }

    private func lie(_ reason: String) -> RemoteError {
        RemoteError(
            .mismatch, "fleet \(fleet.fleet): \(reason)",
            hint: "find out who changed the server, and let no host enrol before that")
    }
}
