import ArgumentParser
import Codecs
import RoadsteadPublish
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

struct CeremonyClose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Check that the fleets serve what was signed, and remember its digests here.",
        discussion: "Where everything is signed and not published yet, publishing is tried again.")
    @Argument(help: "The ceremony's number.") var id: Int64
    @OptionGroup var connection: ConnectionOptions

    /// What a fleet serves as it was signed.
    private struct Result: Codable, Sendable {
        let fleet: FleetName
        let fleetID: FleetID
        let role: String
        let version: Int64
        let sha256: String
    }

    func run() async throws {
        let results = try await connection.withClient { client in
            let body: CeremonyBody = try await client.send(.post, "/v1/ceremonies/\(id)/close")
            var results: [Result] = []
            for fleet in body.fleets where fleet.state != "void" {
                try requirePublished(fleet)
                for draft in fleet.drafts { results.append(try await check(draft, of: fleet, client)) }
            }
            return results
        }
        for result in results where result.role == "root" {
            try ProfileStore().pin(
                .init(version: result.version, sha256: result.sha256), fleetID: result.fleetID.rawValue)
        }
        try connection.show(results) { results in
            for result in results {
                let words = CeremonyCommand.words(result.role)
                Terminal.show("fleet \(result.fleet): \(words) version \(result.version), sha256 \(result.sha256)")
            }
        }
    }

    /// A published file; replicas show it within seconds of its release.
    private func served(_ path: String, _ client: APIClient) async throws -> [UInt8] {
        for _ in 0..<20 {
            do { return try await client.file(path) } catch let error as RemoteError where error.code == .refused {
                try await Task.sleep(for: .milliseconds(500))
            }
        }
        return try await client.file(path)
    }

    private func requirePublished(_ fleet: CeremonyFleetBody) throws {
        guard fleet.state != "published" else { return }
        if fleet.state == "closed" {
            throw RemoteError(
                .refused,
                "what was signed for fleet \(fleet.fleet) is not published yet: \(fleet.reason ?? "its release waits")",
                hint: "put right what is in the way, then: roadstead ceremony close \(id)")
        }
        let missing = fleet.drafts.flatMap(\.missing).joined(separator: "; ")
        throw RemoteError(
            .refused, "ceremony \(id) is open in fleet \(fleet.fleet): \(missing)",
            hint: "roadstead ceremony sign \(id) --key …")
    }

    private func check(_ draft: MetadataDraftBody, of fleet: CeremonyFleetBody, _ client: APIClient) async throws
        -> Result
    {
        let bytes = try await served("/fleets/\(fleet.fleet)/metadata/\(draft.version).\(draft.role).json", client)
        let signed =
            draft.role == "root"
            ? try UnverifiedMetadata<Root>(bytes, maximumBytes: PublishingLimits.rootBytes).signedBytes
            : try UnverifiedMetadata<Targets>(bytes, maximumBytes: PublishingLimits.targetsBytes).signedBytes
        guard signed == (try Base64.decode(draft.toSign)) else {
            throw RemoteError(
                .mismatch,
                "what fleet \(fleet.fleet) serves as \(CeremonyCommand.words(draft.role)) version \(draft.version) is not what was signed"
            )
        }
        return Result(
            fleet: fleet.fleet, fleetID: fleet.fleetID, role: draft.role, version: draft.version,
            sha256: Hex.encode(HashAlgorithm.sha256.digest(of: bytes)))
    }
}
