import Codecs
import Files
import Foundation
import HTTPTypes
import Migrations
import PKI
import PostgresTesting
import PrivatePostgres
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadServer

/// A fleet whose database is saved, goes on, and is put back: with a host that has followed all the while.
/// One test works with it, one step after the other.
final class RestoredFleet: @unchecked Sendable {
    private(set) var api: TestAPI
    let alice: String
    let bob: String
    let host: FollowingHost
    private let dump: String

    static let demo = "demo"

    /// A fleet with two anchors and one host.
    init(_ api: TestAPI) async throws {
        self.api = api
        alice = try await api.bootstrap()
        bob = try await api.invite("bob", [InvitedRole(role: .securityOfficer)], by: alice)
        dump = "\(api.state)/database.dump"
        try await api.makeTeam(as: alice)
        let _: FleetBody = try await api.ask(
            .post, "/v1/fleets", FleetRequest(name: try FleetName(Self.demo)), as: alice)
        try await api.govern(
            .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: try TeamName("acme")), as: alice)
        _ = try await api.makeRoot(of: Self.demo, as: alice)
        host = try FollowingHost(api)
        for name in ["first", "second"] { try await Self.add(name, api, alice, bob) }
        try await publish()
        try await host.enrol(as: alice)
    }

    /// Goes on with another server on the same database.
    func move(to server: TestAPI) {
        api = server
        host.api = server
    }

    /// Everything that is ready, published and served.
    func publish() async throws {
        let release: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
        _ = try await api.eventually {
            try await api.send(.get, "/fleets/demo/metadata/\(release.number).snapshot.json").status
        } until: {
            $0 == .ok
        }
        try await host.follow(until: release.number)
        let directory = PublishedDirectory(path: api.program.configuration.publishedDirectory)
        let fleet = try FleetName(Self.demo)
        _ = try await api.eventually {
            directory.mark(of: fleet)?.seen.first { $0.role == "snapshot" }?.version
        } until: {
            $0 ?? 0 >= release.number
        }
    }

    static func add(_ name: String, _ api: TestAPI, _ author: String, _ approver: String) async throws {
        let root = try await TestAPI.root(name)
        let change: ChangeBody = try await api.ask(.post, "/v1/changes", try TestAPI.addition(root.pem), as: author)
        let _: ChangeBody = try await api.ask(
            .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: approver)
    }

    /// A denial, a removal and an addition, followed by the host.
    func goOn() async throws {
        let _: DenialBody = try await api.ask(
            .post, "/v1/denials",
            DenialRequest(kind: .certificate, value: String(repeating: "ab", count: 32), reason: "stolen"), as: bob)
        let removal = ChangeRequest(
            team: try TeamName("acme"), operations: [.other(.removeAnchor(id: try await api.anchor(as: bob)))],
            justification: "compromised")
        let _: ChangeBody = try await api.ask(.post, "/v1/changes", removal, as: bob)
        try await publish()
        try await Self.add("third", api, alice, bob)
        try await publish()
    }

    // MARK: The database

    func save() throws { try run("pg_dump", ["--format=custom", "--file=\(dump)"]) }

    /// Puts the saved state in place of the present one, under the running server.
    func putBack() throws {
        try run("pg_restore", ["--clean", "--if-exists", "--single-transaction", dump], database: "--dbname=")
    }

    private func run(_ program: String, _ arguments: [String], database: String = "") throws {
        let test = try #require(TestDatabase.current)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/\(program)")
        process.arguments =
            ["--host=\(test.cluster.server.socketDirectory)", "--username=\(PrivatePostgres.superuser)"] + arguments
            + (database.isEmpty ? [test.name] : ["\(database)\(test.name)"])
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program) failed")
    }

    // MARK: What the server knows and serves

    func halts() async throws -> [HaltBody] { try await api.ask(.get, "/v1/halts", as: alice) }

    func halted() async throws -> HaltBody {
        let halts = try await api.eventually {
            try await self.halts()
        } until: {
            !$0.isEmpty
        }
        return try #require(halts.first)
    }

    func timestampVersion() async throws -> Int64 {
        let answer = try await api.send(.get, "/fleets/demo/metadata/timestamp.json")
        return try UnverifiedMetadata<Timestamp>(answer.body, maximumBytes: 65_536).unverifiedContent.version
    }

    func recovery() throws -> Recovery {
        let (database, program) = (try #require(TestDatabase.current), api.program)
        let keys = program.configuration.keys
        let reach = keys.reach(try program.keyBackends(program.configuration))
        return Recovery(
            store: PublisherStore(pool: try database.pool(.publisher)),
            keys: ServerKeys(program.master, places: keys.places, reach: reach),
            directory: PublishedDirectory(path: api.program.configuration.publishedDirectory))
    }

    func recover(applies: Bool) async throws -> RecoveryRun.Report {
        let run = RecoveryRun(recovery: try recovery(), applies: applies, clock: api.program.clock)
        return try #require(try await run.run(.one(try FleetName(Self.demo))).first)
    }
}

/// A host that follows its fleet with our own client, over HTTP, and refuses whatever a host refuses.
final class FollowingHost: MetadataAccess, @unchecked Sendable {
    fileprivate(set) var api: TestAPI
    private let key: PrivateKey
    private(set) var id = ""
    private var cache: [Role: [UInt8]] = [:]
    private var sequence: Int64 = 0
    private(set) var release: Int64 = 0

    init(_ api: TestAPI) throws {
        self.api = api
        key = try PrivateKey.generate(.ed25519)
    }

    func load(_ role: Role, maximumBytes: Int) async throws -> [UInt8]? { cache[role] }
    func persist(_ role: Role, _ bytes: [UInt8]) async throws { cache[role] = bytes }
    func delete(_ role: Role) async throws { cache[role] = nil }

    func fetch(_ file: MetadataFile, maximumBytes: Int) async throws -> [UInt8]? {
        let answer = try await api.send(.get, "/fleets/demo/metadata/\(file.path)")
        return answer.status == .notFound ? nil : answer.body
    }

    /// One refresh, every delegated role included.
    func refresh() async throws {
        if cache[.root] == nil { cache[.root] = try await api.send(.get, "/fleets/demo/metadata/1.root.json").body }
        var update = UpdateWorkflow(UpdatePolicy(initialRoot: .cached, now: api.program.clock()))
        let trusted = try await update.run(with: self).trusted
        var delegated = DelegationsUpdate(trusted, mandatory: [try RoleName(slug: "deny"), try RoleName(slug: "acme")])
        _ = try await delegated.run(with: self)
        release = trusted.snapshot.version
    }

    /// Refreshes until it has a release; one that it refuses is tried again, as agents do.
    func follow(until wanted: Int64) async throws {
        let end = ContinuousClock.now + .seconds(15)
        repeat {
            do { try await refresh() } catch is TUFError {}
            if release >= wanted { return }
            try await Task.sleep(for: .milliseconds(50))
        } while ContinuousClock.now < end
        Issue.record("the host is at release \(release), not at \(wanted)")
    }

    func enrol(as token: String) async throws {
        let made: JoinTokenBody = try await api.ask(
            .post, "/v1/fleets/demo/join-tokens", JoinTokenRequest(), as: token)
        let join = try JoinString(parsing: made.joinString)
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: Array(join.token.utf8)))
        let statement = HostStatement.enrolment(fleetID: join.fleetID, hostName: "web-1", tokenSHA256: digest)
        let proof = try await key.signature(over: statement, scheme: .ed25519)
        let body: EnrollBody = try await api.ask(
            .post, "/v1/enroll",
            EnrollRequest(
                token: join.token, fleet: join.fleet, hostName: "web-1", publicKey: key.publicKey.pem,
                proof: Base64.encode(proof)))
        id = body.host
    }

    /// Reports the release that it has.
    func report() async throws -> TestAPI.Reply {
        sequence += 1
        let snapshot = try #require(cache[.snapshot])
        let receipt = Receipt(
            host: id, fleet: try FleetName("demo"), sequence: sequence, issued: api.program.clock(),
            agentVersion: "0.1",
            release: release, releaseDigest: Hex.encode(HashAlgorithm.sha256.digest(of: snapshot)),
            roleVersions: [:], enforcers: [], warnings: [])
        let bytes = try receipt.publishedBytes()
        let envelope = ReceiptEnvelope(receipt: Base64.encode(bytes), signature: try await sign(bytes))
        return try await api.send(.post, "/v1/hosts/\(id)/receipts", json: try JSON(encoding: envelope))
    }

    /// Shows what it holds, as the answer host-ahead asks for.
    ///
    /// - Parameter edit: lets a lying host change it.
    func show(_ edit: (inout [String: [UInt8]]) throws -> Void = { _ in }) async throws -> TestAPI.Reply {
        var files = Dictionary(uniqueKeysWithValues: cache.map { ("\($0.key)", $0.value) })
        try edit(&files)
        let metadata = HostMetadata(host: id, sequence: sequence, files: files, targets: try await targets())
        let bytes = try metadata.signedBytes()
        let envelope = HostMetadataEnvelope(metadata: Base64.encode(bytes), signature: try await sign(bytes))
        return try await api.send(.post, "/v1/hosts/\(id)/metadata", json: try JSON(encoding: envelope))
    }

    private func sign(_ bytes: [UInt8]) async throws -> String {
        Base64.encode(try await key.signature(over: bytes, scheme: .ed25519))
    }

    /// The target files of every role, which a host has on its disk.
    private var stored: [String: [UInt8]] = [:]

    func download() async throws {
        for (role, bytes) in cache where role != .root && role != .timestamp && role != .snapshot {
            let content = try UnverifiedMetadata<Targets>(bytes, maximumBytes: 1 << 20).unverifiedContent
            for (name, file) in content.targets {
                let path = name.path(hashPrefix: file.hashes.fileNamePrefix)
                stored[name.text] = try await api.send(.get, "/fleets/demo/targets/\(path)").body
            }
        }
    }

    private func targets() async throws -> [String: [UInt8]] { stored }

    /// The denials that it obeys, by what they deny.
    func denials() async throws -> [String] {
        try await download()
        let document = try DenyDocument(verifiedBytes: try #require(stored[DenyDocument.documentName]))
        return document.denials.map(\.value)
    }
}
