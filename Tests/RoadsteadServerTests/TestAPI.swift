import Codecs
import Files
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Migrations
import NIOCore
import PKI
import PostgresTesting
import RoadsteadPublish
import RoadsteadWire
import SigningKeys
import Synchronization
import TUF
import Testing
import TrustModel

@testable import RoadsteadServer

/// A server on the test's own database, and what speaks to it.
struct TestAPI: Sendable {
    let client: any TestClientProtocol
    let program: ServerProgram
    /// The tokens of people who came in by this value, by login name.
    let tokens = Tokens()

    var state: String { program.configuration.stateDirectory }

    /// What came back.
    struct Reply: Sendable {
        let status: HTTPResponse.Status
        let headers: HTTPFields
        let body: [UInt8]

        func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try JSON(parsing: body).decode(Value.self, place: "answer", unknownMembers: .refused)
        }

        /// The stable name of the problem.
        var problem: String? { (try? decode(ProblemBody.self))?.type }
    }

    /// Runs the closure against a server with every service.
    static func withServer(
        _ setup: TestingSetup = .router, clock: @escaping @Sendable () -> UTCDate = SystemClock.now,
        master: MasterKey? = nil, limits: [ConfigurationKey: String] = [:],
        keyBackends: (@Sendable (ServerConfiguration) throws -> [KeyScheme: any KeyBackend])? = nil,
        logger: Logger? = nil,
        _ body: @Sendable (TestAPI) async throws -> Void
    ) async throws {
        let database = try #require(TestDatabase.current)
        let state = "/tmp/roadstead-server-tests.\(UInt64.random(in: 0 ... .max))"
        try Files.createDirectory(state, mode: 0o700)
        let program = try program(
            database, state: state, clock: clock, master: master, limits: limits, keyBackends, logger)
        do {
            try await program.application().test(setup) { client in
                try await body(TestAPI(client: client, program: program))
            }
            try Files.removeTree(state)
        } catch {
            try? Files.removeTree(state)
            throw error
        }
    }

    static func program(
        _ database: TestDatabase, state: String, clock: @escaping @Sendable () -> UTCDate = SystemClock.now,
        master: MasterKey? = nil, limits: [ConfigurationKey: String] = [:],
        _ keyBackends: (@Sendable (ServerConfiguration) throws -> [KeyScheme: any KeyBackend])? = nil,
        _ logger: Logger? = nil
    ) throws -> ServerProgram {
        let configuration = try ServerConfiguration(
            ConfigurationSources(
                flags: [.listenPort: "0", .stateDirectory: state, .databaseConnections: "4"].merging(limits) { $1 }))
        var program = ServerProgram(
            configuration: configuration, access: DatabaseAccess { database.settings($0) },
            master: try master ?? MasterKey.generate(), logger: logger ?? quietLogger, clock: clock)
        if let keyBackends { program.keyBackends = keyBackends }
        return program
    }

    /// Only faults, which no test here expects.
    static var quietLogger: Logger {
        var logger = Logger(label: "test", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .error
        return logger
    }

    /// For what is meant to fail.
    static var silentLogger: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }

    func send(
        _ method: HTTPRequest.Method, _ path: String, json: JSON? = nil, as token: String? = nil,
        headers: HTTPFields = [:]
    ) async throws -> Reply {
        var headers = headers
        if let token { headers[.authorization] = "Bearer \(token)" }
        if json != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        let answer = try await client.execute(
            uri: path, method: method, headers: headers, body: json.map { ByteBuffer(bytes: $0.bytes) })
        return Reply(
            status: answer.status, headers: answer.headers, body: Array(answer.body.readableBytesView))
    }

    /// Sends and expects success.
    func ask<Value: Decodable>(
        _ method: HTTPRequest.Method, _ path: String, _ body: (any Encodable)? = nil, as token: String? = nil,
        headers: HTTPFields = [:], answer: Value.Type = Value.self
    ) async throws -> Value {
        let reply = try await send(
            method, path, json: try body.map { try JSON(encoding: $0) }, as: token, headers: headers)
        guard (200..<300).contains(reply.status.code) else {
            throw UnexpectedReply(
                text: "\(method) \(path): \(reply.status) \(String(decoding: reply.body, as: UTF8.self))")
        }
        return try reply.decode()
    }

    struct UnexpectedReply: Error { let text: String }

    // MARK: People

    /// The first administrator's token.
    func bootstrap() async throws -> String {
        let text = String(
            decoding: try Files.readSecret("\(state)/bootstrap-token"), as: UTF8.self)
        let issued: IssuedToken = try await ask(
            .post, "/v1/bootstrap", BootstrapRequest(name: "alice", displayName: "Alice"),
            as: String(text.dropLast()))
        tokens["alice"] = issued.token
        return issued.token
    }

    /// A further person's token.
    func invite(_ name: String, _ roles: [InvitedRole], by token: String) async throws -> String {
        let invitation: InvitationBody = try await ask(
            .post, "/v1/invitations", InvitationRequest(name: name, displayName: name, bindings: roles), as: token)
        if let change = invitation.change { try await agree(on: change) }
        let issued: IssuedToken = try await ask(
            .post, "/v1/invitations/accept",
            AcceptInvitationRequest(invitation: invitation.invitation, label: "laptop"))
        tokens[name] = issued.token
        return issued.token
    }

    /// Asks for what becomes a change; where others must agree, the first who can does so.
    func govern(
        _ method: HTTPRequest.Method, _ path: String, _ body: (any Encodable)? = nil, as token: String
    ) async throws {
        let reply = try await send(method, path, json: try body.map { try JSON(encoding: $0) }, as: token)
        guard (200..<300).contains(reply.status.code) else {
            throw UnexpectedReply(
                text: "\(method) \(path): \(reply.status) \(String(decoding: reply.body, as: UTF8.self))")
        }
        if reply.status == .accepted { try await agree(on: try reply.decode()) }
    }

    /// Has the first who can approve a change do so where it waits, until it is in force.
    func agree(on change: ChangeBody) async throws {
        guard change.state == .submitted else { return }
        let approver = try #require(change.canApprove.compactMap { tokens[$0] }.first)
        let _: ChangeBody = try await ask(
            .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: approver)
        let after = try await eventually {
            try await ask(.get, "/v1/changes/\(change.number)", as: approver, answer: ChangeBody.self)
        } until: {
            $0.state != .approved
        }
        #expect(after.state == .published, "\(after.note ?? "")")
    }

    /// Team `acme` with a scope, a store and a rule that lets it register its own roots.
    func makeTeam(as token: String) async throws {
        let team = try TeamName("acme")
        try await govern(.post, "/v1/teams", TeamRequest(name: team), as: token)
        try await govern(
            .post, "/v1/teams/acme/scopes", ScopeRequest(scope: try RegistryScope("registry.example.com/acme")),
            as: token)
        let _: StoreBody = try await ask(
            .post, "/v1/teams/acme/stores", StoreRequest(kind: .ca, name: try TrustStoreName("prod")), as: token)
        try await govern(
            .post, "/v1/root-rules",
            RootRuleBody(
                name: "acme-own", team: team, origin: .own, effect: .allow, approvals: 1,
                conditions: RuleConditions()), as: token)
    }

    /// A change that adds one root.
    static func addition(_ certificate: String, store: String = "prod") throws -> ChangeRequest {
        ChangeRequest(
            team: try TeamName("acme"),
            operations: [
                .addAnchor(
                    AddAnchorBody(
                        kind: .ca, store: try TrustStoreName(store), certificate: certificate, origin: .own))
            ], justification: "our build root")
    }

    /// The number of the one anchor that is active in a team.
    func anchor(of team: String = "acme", as token: String) async throws -> Int64 {
        let anchors: Page<AnchorBody> = try await ask(.get, "/v1/anchors?team=\(team)&state=active", as: token)
        return try #require(anchors.items.first).id
    }

    /// A new root, made now.
    static func root(_ name: String = "acme root") async throws -> Certificate {
        let key = try PrivateKey.generate(.ec(.p256))
        return try await CertificateBuilder.root(
            subject: try DistinguishedName("C=US,ST=WA,O=acme,CN=\(name)"), signer: key,
            validity: .init(from: SystemClock.now().adding(days: -1), days: 3_650))
    }

    /// Makes a fleet's next root with one new key.
    func makeRoot(
        of fleet: String, expecting state: String = "published", as token: String
    ) async throws -> PrivateKey {
        let key = try PrivateKey.generate(.ed25519)
        try await holdCeremony(of: fleet, key: key, expecting: state, as: token)
        return key
    }

    func holdCeremony(
        of fleet: String, key: PrivateKey, expecting state: String = "published", as token: String
    ) async throws {
        let keys = CeremonyKeysBody(keys: [try Key(key.publicKey).json], threshold: 1)
        let closed = try await hold([CeremonyFleetRequest(fleet: try FleetName(fleet), root: keys)], [key], as: token)
        #expect(closed.fleets.map(\.state) == [state], "\(closed.fleets.first?.reason ?? "")")
    }

    /// Opens a ceremony and signs every draft with each of the keys that counts for it.
    @discardableResult
    func hold(
        _ fleets: [CeremonyFleetRequest], _ keys: [PrivateKey], as token: String
    ) async throws -> CeremonyBody {
        let ceremony = try await open(fleets, as: token)
        return ceremony.fleets.allSatisfy(\.drafts.isEmpty) ? ceremony : try await sign(ceremony, keys, as: token)
    }

    func open(_ fleets: [CeremonyFleetRequest], as token: String) async throws -> CeremonyBody {
        try await ask(.post, "/v1/ceremonies", CeremonyRequest(fleets: fleets), as: token)
    }

    func sign(_ ceremony: CeremonyBody, _ keys: [PrivateKey], as token: String) async throws -> CeremonyBody {
        let signatures = try await Self.signatures(of: ceremony, by: keys)
        return try await ask(
            .post, "/v1/ceremonies/\(ceremony.id)/signatures", CeremonySignaturesRequest(signatures: signatures),
            as: token)
    }

    static func signatures(of ceremony: CeremonyBody, by keys: [PrivateKey]) async throws -> [DraftSignatureBody] {
        var signatures: [DraftSignatureBody] = []
        for draft in ceremony.fleets.flatMap(\.drafts) {
            for key in keys {
                let listed = try Key(key.publicKey)
                guard draft.keyIDs.contains(listed.id.text), let scheme = listed.signatureScheme else { continue }
                let bytes = try await key.signature(over: try Base64.decode(draft.toSign), scheme: scheme)
                signatures.append(
                    DraftSignatureBody(draft: draft.id, keyID: listed.id.text, signature: Hex.encode(bytes)))
            }
        }
        return signatures
    }
}

/// What people sign in with, by login name.
final class Tokens: Sendable {
    private let texts = Mutex<[String: String]>([:])

    subscript(name: String) -> String? {
        get { texts.withLock { $0[name] } }
        set { texts.withLock { $0[name] = newValue } }
    }
}

/// A clock that a test moves.
final class TestClock: Sendable {
    private let seconds: Mutex<Int64>

    init() { seconds = Mutex(SystemClock.now().seconds) }

    func advance(seconds more: Int64) { seconds.withLock { $0 += more } }
    func now() -> UTCDate { UTCDate(seconds: seconds.withLock { $0 }) }
}
