import Codecs
import RoadsteadPublish
import RoadsteadWire
import TrustModel

/// How far the audit log had come at every release, as the fleets have signed it and this machine verifies it.
struct SignedHeads {
    let client: APIClient
    /// A root that the caller knows, where this machine remembers none.
    let rootSHA256: String?

    /// - Parameter names: the fleets; all that the caller sees unless given.
    func read(of names: [FleetName]) async throws -> [SignedAuditHead] {
        let fleets: [FleetBody] =
            names.isEmpty ? try await client.all("/v1/fleets") : try await bodies(of: names)
        var heads: [SignedAuditHead] = []
        for fleet in fleets where fleet.release > 0 { heads += try await read(fleet) }
        return heads
    }

    private func bodies(of names: [FleetName]) async throws -> [FleetBody] {
        var fleets: [FleetBody] = []
        for name in names { fleets.append(try await client.get("/v1/fleets/\(name)")) }
        return fleets
    }

    private func read(_ fleet: FleetBody) async throws -> [SignedAuditHead] {
        var signature = try await signature(of: fleet)
        let releases: [ReleaseBody] = try await client.all("/v1/fleets/\(fleet.name)/releases")
        var heads: [SignedAuditHead] = []
        for release in releases where release.published != nil {
            let path = "/fleets/\(fleet.name)/metadata/\(release.number).snapshot.json"
            let bytes = try await client.publishedFile(path)
            if let head = try signature.head(in: bytes, release: release.number) { heads.append(head) }
        }
        try signature.finish()
        if let last = signature.unsigned.max() {
            Terminal.note(
                "fleet \(fleet.name): \(signature.unsigned.count) releases up to \(last) are from before it started over; "
                    + "no key vouches for what they say of the log")
        }
        return heads
    }

    /// What reads the fleet's signatures, under roots that the remembered or given one is among.
    private func signature(of fleet: FleetBody) async throws -> AuditCountersignature {
        var files: [[UInt8]] = []
        for version in 1...max(1, fleet.rootVersion) {
            files.append(try await client.publishedFile("/fleets/\(fleet.name)/metadata/\(version).root.json"))
        }
        let signature = try AuditCountersignature(fleet: fleet.name, id: fleet.id, rootFiles: files)
        if let known = try rootSHA256 ?? ProfileStore().pinnedRoot(fleetID: fleet.id.rawValue)?.sha256 {
            guard signature.rootDigests.contains(known.lowercased()) else {
                throw RemoteError(
                    .mismatch, "fleet \(fleet.name): none of the fleet keys that are served is the known one, \(known)",
                    hint: "find out who changed the server")
            }
        } else {
            Terminal.note(
                "fleet \(fleet.name): its keys are not known on this machine, so what they signed is taken as it is; "
                    + "give --fleet \(fleet.name) --root-sha256 DIGEST")
        }
        return signature
    }
}
