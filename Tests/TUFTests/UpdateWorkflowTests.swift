import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

@Suite struct UpdateWorkflowTests {
    @Test func `a first refresh asks for exactly four files and keeps the received bytes`() async throws {
        let repository = try await RepositorySimulator()
        repository.files["timestamp.json"]?.append(0x20)
        let client = SimulatedClient(repository)
        try await client.refresh()
        #expect(client.requests == ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"])
        #expect(client.cache["timestamp.json"] == repository.files["timestamp.json"])
        #expect(client.cache["snapshot.json"] == repository.files["1.snapshot.json"])
        #expect(client.cache["root.json"] == repository.firstRoot)
    }

    @Test func `a refresh with nothing new asks for the next root and the timestamp`() async throws {
        let client = SimulatedClient(try await RepositorySimulator())
        try await client.refresh()
        let outcome = try await client.refresh()
        #expect(client.requests == ["2.root.json", "timestamp.json"])
        #expect(outcome.updated.isEmpty)
        #expect(outcome.healed.isEmpty)
    }

    @Test func `without consistent snapshots names carry no version`() async throws {
        let client = SimulatedClient(try await RepositorySimulator(consistentSnapshot: false))
        try await client.refresh()
        #expect(client.requests == ["2.root.json", "timestamp.json", "snapshot.json", "targets.json"])
    }
}
