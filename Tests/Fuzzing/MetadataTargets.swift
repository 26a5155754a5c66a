import Codecs
import Glibc
import RepositorySimulation
import SigningKeys
import TUF

extension FuzzTarget {
    /// What is taken in keeps its signed bytes when it is taken up as a draft.
    static let metadata = FuzzTarget(name: "metadata") { bytes in
        read(bytes, as: Root.self)
        read(bytes, as: Timestamp.self)
        read(bytes, as: Snapshot.self)
        read(bytes, as: Targets.self)
        _ = try? TargetName(String(decoding: bytes, as: UTF8.self))
        _ = try? RoleName(String(decoding: bytes, as: UTF8.self))
    }

    private static func read<Content: RoleMetadata>(_ bytes: [UInt8], as type: Content.Type) {
        guard let file = try? UnverifiedMetadata<Content>(bytes, maximumBytes: 1 << 20) else { return }
        if let root = file as? UnverifiedMetadata<Root> { _ = try? SignedMetadata(selfSigned: root) }
        guard let draft = try? MetadataDraft(file) else { return }
        precondition(draft.toSign == file.signedBytes, "a draft is over other bytes than the file")
        guard let again = try? UnverifiedMetadata<Content>(draft.bytes, maximumBytes: 2 << 20) else {
            preconditionFailure("what was taken in and written is refused")
        }
        precondition(again.signedBytes == file.signedBytes, "writing changed what signatures are over")
    }

    /// The input answers the requests of an update, of the delegated roles and of a lookup: with the right file, a
    /// wrong one, a damaged one, none, an error, or an answer that does not belong there. Whatever comes, an update
    /// ends, and what it trusts is what the repository signed.
    static let workflow = FuzzTarget(name: "workflow") { bytes in
        guard let repository = SampleRepository.shared else { return }
        var hand = Hand(bytes, repository)
        var policy = UpdatePolicy(initialRoot: .bytes(repository.initialRoot), now: RepositorySimulator.start)
        policy.expectedFleet = hand.next() & 1 == 0 ? RepositorySimulator.fleet : nil
        var previous: TrustedMetadataSet?
        for _ in 0..<2 {
            guard case .done(let outcome)? = hand.play(UpdateWorkflow(policy, after: previous)) else { continue }
            repository.checkTrusted(outcome.trusted)
            if let previous {
                precondition(outcome.trusted.timestamp.version >= previous.timestamp.version, "it was rolled back")
            }
            previous = outcome.trusted
        }
        guard let previous else { return }
        if case .done(let roles)? = hand.play(DelegationsUpdate(previous, mandatory: [])) {
            repository.checkTrusted(roles)
        }
        if let name = try? TargetName("team-a/ca.roots.pem") {
            _ = hand.play(TargetLookup(name, in: DelegatedRoles(previous)))
        }
    }
}

/// A repository with two roots and two teams, made once.
final class SampleRepository: @unchecked Sendable {
    static let shared: SampleRepository? = {
        let made = SampleRepository()
        return waiting { try await made.make() } ? made : nil
    }()

    private(set) var initialRoot: [UInt8] = []
    /// Every file ever published, of all versions.
    private(set) var files: [String: [UInt8]] = [:]
    private(set) var paths: [String] = []
    private var signed: Set<[UInt8]> = []

    private func make() async throws {
        let simulator = try await RepositorySimulator()
        initialRoot = simulator.firstRoot
        for team in ["team-a", "team-b"] {
            try simulator.delegate(to: team, paths: ["\(team)/*"], terminating: true)
            try simulator.add("\(team)/ca.roots.pem", "anchors", to: .delegated(RoleName(team)))
        }
        try await simulator.publishAll()
        let before = simulator.files["timestamp.json"] ?? []
        let old = simulator.signers[.root] ?? []
        try simulator.rotate(.root)
        try simulator.rotate(.snapshot)
        simulator.signers[.root] = old + (simulator.signers[.root] ?? [])
        try await simulator.publish(.root, .snapshot, .timestamp)
        files = simulator.files
        files["old timestamp"] = before
        paths = files.keys.sorted()
        for bytes in files.values { signed.formUnion(Self.signedBytes(bytes)) }
    }

    func checkTrusted(_ trusted: TrustedMetadataSet) {
        for bytes in [trusted.root.bytes, trusted.timestamp.bytes, trusted.snapshot.bytes, trusted.targets.bytes] {
            check(bytes)
        }
    }

    func checkTrusted(_ roles: DelegatedRoles) {
        for edge in roles.tried {
            if case .success(let metadata)? = roles[edge] { check(metadata.bytes) }
        }
    }

    private func check(_ bytes: [UInt8]) {
        precondition(!signed.isDisjoint(with: Self.signedBytes(bytes)), "something nobody signed is trusted")
    }

    private static func signedBytes(_ bytes: [UInt8]) -> Set<[UInt8]> {
        guard let tree = try? JSON(parsing: bytes).object("file"), let part = tree["signed"],
            let canonical = try? part.canonicalBytes()
        else { return [] }
        return [canonical]
    }
}

/// Plays the world's part for an update, as the input says.
private struct Hand {
    private let input: [UInt8]
    private var position = 0
    private let repository: SampleRepository
    private var cache: [Role: [UInt8]] = [:]

    init(_ input: [UInt8], _ repository: SampleRepository) {
        self.input = input
        self.repository = repository
    }

    /// Zero when the input is used up, which is the honest answer.
    mutating func next() -> UInt8 {
        guard position < input.count else { return 0 }
        position += 1
        return input[position - 1]
    }

    mutating func play<Machine: UpdateMachine>(_ machine: Machine) -> UpdateAction<Machine.Outcome>? {
        var machine = machine
        var event = UpdateEvent.begin
        for _ in 0..<2_000 {
            let action = machine.next(event)
            guard case .request(let request) = action else { return action }
            event = answer(request)
        }
        preconditionFailure("an update does not end")
    }

    private mutating func answer(_ request: UpdateRequest) -> UpdateEvent {
        switch next() % 16 {
        case 1: return .notFound
        case 2: return .failed("broken")
        case 3: return .done
        case 4: return .begin
        case 5: return other()
        case 6: return .bytes(rest())
        case 7: return damaged(honest(request))
        default: return honest(request)
        }
    }

    private mutating func honest(_ request: UpdateRequest) -> UpdateEvent {
        switch request {
        case .load(let role, _): return cache[role].map { .bytes($0) } ?? .notFound
        case .fetch(let file, _): return repository.files[file.path].map { .bytes($0) } ?? .notFound
        case .persist(let role, let bytes): cache[role] = bytes
        case .delete(let role): cache[role] = nil
        }
        return .done
    }

    private mutating func other() -> UpdateEvent {
        let path = repository.paths[Int(next()) % repository.paths.count]
        return .bytes(repository.files[path] ?? [])
    }

    private mutating func rest() -> [UInt8] {
        let count = Int(next())
        defer { position = min(input.count, position + count) }
        return Array(input.dropFirst(position).prefix(count))
    }

    private mutating func damaged(_ event: UpdateEvent) -> UpdateEvent {
        guard case .bytes(var bytes) = event, !bytes.isEmpty else { return event }
        let place = (Int(next()) << 8 | Int(next())) % bytes.count
        switch next() % 4 {
        case 0: bytes[place] = next()
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(next(), at: place)
        default: bytes.removeSubrange(place...)
        }
        return .bytes(bytes)
    }
}
