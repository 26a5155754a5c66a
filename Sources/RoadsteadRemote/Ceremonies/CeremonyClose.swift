import ArgumentParser
import RoadsteadWire
import TrustModel

struct CeremonyClose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Check that the fleets serve what was signed, and remember its digests here.",
        discussion: "Where everything is signed and not published yet, publishing is tried again.")
    @Argument(help: "The ceremony's number.") var id: Int64
    @OptionGroup var roots: RootOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let results = try await connection.withClient { client in
            let store = try ProfileStore()
            let body: CeremonyBody = try await client.send(.post, "/v1/ceremonies/\(id)/close")
            var results: [ClosedFleet.Result] = []
            for fleet in body.fleets where fleet.state != "void" {
                try requirePublished(fleet)
                results += try await ClosedFleet(
                    fleet: fleet, client: client, store: store, accepted: roots.acceptRoot
                ).check()
            }
            return results
        }
        try connection.show(results) { results in
            for result in results {
                let words = CeremonyCommand.words(result.role)
                Terminal.show("fleet \(result.fleet): \(words) version \(result.version), sha256 \(result.sha256)")
            }
        }
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
}
