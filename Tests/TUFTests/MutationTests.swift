import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

/// A small generator with a fixed seed, so that a failure repeats.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct MutationTests {
    /// Changes a few places: a byte, a digit, a removed or doubled stretch.
    private func mutated(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, at + Int.random(in: 1...24, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[at] = UInt8(ascii: "9")
            case 2: bytes.removeSubrange(at..<end)
            default: bytes.insert(contentsOf: bytes[at..<end], at: at)
            }
        }
        return bytes
    }

    @Test(arguments: ["2.root.json", "timestamp.json", "3.snapshot.json", "3.targets.json", "2.team.json"])
    func `no change of a served file is taken, and the host updates once it is undone`(path: String) async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "team", paths: ["team/*"])
        try repository.add("team/x", "1", to: .delegated(RoleName("team")))
        try await repository.publishAll()
        try await repository.publishAll()
        try await repository.publish(.root)
        let good = repository.files
        let original = try #require(good[path])
        var random = SplitMix(state: 7)
        for _ in 0..<60 {
            let changed = mutated(original, &random)
            let client = SimulatedClient(repository)
            repository.files[path] = changed
            let found = try? await client.find("team/x")
            if found != nil {
                let sameContent =
                    (try? JSON(parsing: changed).objectOrNil?["signed"])
                    == (try? JSON(parsing: original).objectOrNil?["signed"])
                #expect(sameContent, "\(String(decoding: changed, as: UTF8.self))")
            }
            repository.files = good
            #expect(try await client.find("team/x") != nil)
        }
    }

    @Test(arguments: ["root", "timestamp", "snapshot", "targets", "team"])
    func `no change of a cached file stops the next update`(role: String) async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "team", paths: ["team/*"])
        try repository.add("team/x", "1", to: .delegated(RoleName("team")))
        try await repository.publishAll()
        let client = SimulatedClient(repository)
        #expect(try await client.find("team/x") != nil)
        let good = client.cache
        let original = try #require(good["\(role).json"])
        var random = SplitMix(state: 11)
        for _ in 0..<60 {
            client.cache = good
            client.cache["\(role).json"] = mutated(original, &random)
            #expect(try await client.find("team/x") != nil)
        }
    }

    @Test func `any order of events ends in an outcome or an error`() async throws {
        let repository = try await RepositorySimulator()
        let files = Array(repository.files.values)
        var random = SplitMix(state: 3)
        for _ in 0..<500 {
            var workflow = UpdateWorkflow(SimulatedClient(repository).policy)
            _ = workflow.next(.begin)
            for _ in 0..<20 {
                let event: UpdateEvent =
                    switch Int.random(in: 0..<5, using: &random) {
                    case 0: .bytes(files.randomElement(using: &random) ?? [])
                    case 1: .notFound
                    case 2: .failed("no")
                    default: .done
                    }
                if case .request = workflow.next(event) { continue }
                break
            }
        }
    }
}
