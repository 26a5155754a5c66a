import ArgumentParser
import Codecs
import RoadsteadPublish
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

/// A fleet's roots as a server serves them, followed from the one that is remembered on this machine.
///
/// A root that only its own keys have signed proves nothing: anybody can make one.
struct ServedRoots {
    let fleet: FleetName
    let fleetID: FleetID
    let client: APIClient

    /// The root of a version, after every root between it and the remembered one has been verified by the one before.
    ///
    /// - Parameters:
    ///   - pin: nil where nothing is remembered yet; then it is taken as it is, for people to compare.
    ///   - accepted: the digest of a root that begins anew, as its makers have told it.
    func root(
        _ version: Int64, from pin: ProfileStore.PinnedRoot?, accepted: String? = nil
    ) async throws -> SignedMetadata<Root> {
        guard let pin else { return try await read(version) }
        if let accepted {
            let root = try await read(version)
            if Self.digest(root.bytes) == accepted.lowercased() { return root }
        }
        var (root, found) = (try await read(min(version, pin.version)), [SignedMetadata<Root>]())
        found.append(root)
        while root.version < max(version, pin.version) {
            root = try await successor(of: root)
            found.append(root)
        }
        guard let known = found.first(where: { $0.version == pin.version }), Self.digest(known.bytes) == pin.sha256,
            let wanted = found.first(where: { $0.version == version })
        else {
            throw lie("the fleet keys version \(pin.version) are not the ones that are remembered here, \(pin.sha256)")
        }
        return wanted
    }

    private func successor(of root: SignedMetadata<Root>) async throws -> SignedMetadata<Root> {
        let next = try await read(root.version + 1)
        do {
            return try root.verifySuccessor(
                try UnverifiedMetadata<Root>(next.bytes, maximumBytes: PublishingLimits.rootBytes))
        } catch {
            throw lie("the fleet keys version \(next.version) do not follow version \(root.version): \(error.reason)")
        }
    }

    private func read(_ version: Int64) async throws -> SignedMetadata<Root> {
        let bytes = try await client.publishedFile("/fleets/\(fleet)/metadata/\(version).root.json")
        let root: SignedMetadata<Root>
        do {
            root = try SignedMetadata(
                selfSigned: try UnverifiedMetadata<Root>(bytes, maximumBytes: PublishingLimits.rootBytes))
        } catch {
            throw lie("the fleet keys version \(version) cannot be used: \(error.reason)")
        }
        guard root.version == version, root.content.stamp?.fleet == fleetID.rawValue else {
            throw lie("what is served as its keys version \(version) is not that")
        }
        return root
    }

    private func lie(_ reason: String) -> RemoteError {
        RemoteError(
            .mismatch, "fleet \(fleet): \(reason)",
            hint:
                "find out who changed the server; only if the fleet started over: --accept-root DIGEST, as its makers tell it"
        )
    }

    static func digest(_ bytes: [UInt8]) -> String { Hex.encode(HashAlgorithm.sha256.digest(of: bytes)) }
}

/// How to go on where a fleet's keys cannot follow those that are remembered.
struct RootOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "SHA-256 of the root with which a fleet started over, as its makers tell it.", valueName: "digest"))
    var acceptRoot: String?
}

extension CeremonyBody {
    /// Verifies the roots that the open parts of a ceremony follow; what to remember of them, by fleet id.
    func followedRoots(_ client: APIClient, accepted: String?) async throws -> [String: ProfileStore.PinnedRoot] {
        let store = try ProfileStore()
        var roots: [String: ProfileStore.PinnedRoot] = [:]
        for fleet in fleets where fleet.state == "open" {
            let id = fleet.fleetID.rawValue
            let pin = try store.pinnedRoot(fleetID: id)
            roots[id] = pin
            guard let served = try fleet.root.map({ try RootSummary(try Base64.decode($0)) }) else { continue }
            let root = try await ServedRoots(fleet: fleet.fleet, fleetID: fleet.fleetID, client: client)
                .root(served.version, from: pin, accepted: accepted)
            let new = ProfileStore.PinnedRoot(root)
            if pin == nil {
                Terminal.note("fleet \(fleet.fleet): its keys are seen here for the first time; compare each of them")
            }
            // An older one than is remembered stays unequal to it, and is refused where the draft is read.
            if new.version >= pin?.version ?? 0 || new.sha256 == accepted?.lowercased() { roots[id] = new }
        }
        return roots
    }
}

extension ProfileStore.PinnedRoot {
    init(_ root: SignedMetadata<Root>) { self.init(version: root.version, sha256: ServedRoots.digest(root.bytes)) }
}

extension APIClient {
    /// A published file; replicas show it within seconds of its release.
    func publishedFile(_ path: String) async throws -> [UInt8] {
        for _ in 0..<20 {
            do { return try await file(path) } catch let error as RemoteError where error.code == .refused {
                try await Task.sleep(for: .milliseconds(500))
            }
        }
        return try await file(path)
    }
}
