import Codecs
import Files
import HTTPTypes
import Hummingbird
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import RoadsteadWire
import ServiceLifecycle
import SigningKeys
import Synchronization
import TrustModel

/// A server on loopback: a fleet's files, enrolment with one token, and receipts, whose signatures it checks.
final class FleetServer: Sendable {
    static let token = "rsj_" + String(repeating: "t", count: 43)
    private let directory: String
    private let fleetID: FleetID
    private let state = Mutex(Contents())

    private struct Contents: Sendable {
        var receipts: [Receipt] = []
        var hosts: [String: PublicKey] = [:]
        var refusesReceipts = false
        var isBehind = false
        var evidence: [HostMetadata] = []
        var hint: Int64 = 0
    }

    init(directory: String, fleetID: FleetID) {
        self.directory = directory
        self.fleetID = fleetID
    }

    var receipts: [Receipt] { state.withLock { $0.receipts } }
    var hostCount: Int { state.withLock { $0.hosts.count } }
    func refuseReceipts(_ refuses: Bool) { state.withLock { $0.refusesReceipts = refuses } }
    /// What hosts sent because the server said that they are ahead of it.
    var evidence: [HostMetadata] { state.withLock { $0.evidence } }
    /// From now on every receipt tells of more than the server knows.
    func fallBehind() { state.withLock { $0.isBehind = true } }
    func forgetReceipts() { state.withLock { $0.receipts = [] } }
    func announce(_ version: Int64) { state.withLock { $0.hint = version } }

    /// Serves on a free port while the body runs, which gets the address.
    ///
    /// - Parameter tls: certificate and key to serve HTTPS with; plain HTTP when nil.
    func serving(tls: TLSConfiguration? = nil, _ body: (String) async throws -> Void) async throws {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let application = Application(
            router: router(), server: try tls.map { try .tls(.http1(), tlsConfiguration: $0) } ?? .http1(),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) }, logger: logger)
        let services = ServiceGroup(
            configuration: .init(services: [application], gracefulShutdownSignals: [], logger: logger))
        let running = Task { try await services.run() }
        defer { running.cancel() }
        let scheme = tls == nil ? "http" : "https"
        for await port in ports { return try await body("\(scheme)://127.0.0.1:\(port)") }
    }

    private func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/fleets/:fleet/hint") { [self] request, _ in
            let after = Int64(request.uri.queryParameters["after"].map(String.init) ?? "") ?? 0
            for _ in 0..<100 where state.withLock({ $0.hint }) <= after { try await Task.sleep(for: .milliseconds(50)) }
            return Self.answer(.ok, Array(#"{"timestamp":\#(state.withLock { $0.hint })}"#.utf8))
        }
        router.get("/fleets/:fleet/metadata/:file") { [self] request, _ in file(request) }
        router.get("/fleets/:fleet/targets/:folder/:file") { [self] request, _ in file(request) }
        router.post("/v1/enroll") { [self] request, _ in try enroll(try await Self.body(request)) }
        router.post("/v1/hosts/:host/receipts") { [self] request, context in
            try take(try await Self.body(request), host: try context.parameters.require("host"))
        }
        router.post("/v1/hosts/:host/metadata") { [self] request, context in
            try takeEvidence(
                try await Self.body(request, limit: 16 << 20), host: try context.parameters.require("host"))
        }
        return router
    }

    private func takeEvidence(_ body: [UInt8], host: String) throws -> Response {
        let envelope: HostMetadataEnvelope = try JSON(parsing: body, limits: JSONLimits(bytes: 16 << 20))
            .decode(place: "request")
        let bytes = try Base64.decode(envelope.metadata)
        let signature = try Base64.decode(envelope.signature)
        let metadata = try HostMetadata(verifiedBytes: bytes)
        let isTaken = state.withLock { state in
            guard let key = state.hosts[host], metadata.host == host,
                key.isValid(signature: signature, over: bytes, scheme: .ed25519)
            else { return false }
            state.evidence.append(metadata)
            return true
        }
        return isTaken ? Response(status: .noContent) : Self.answer(.forbidden, [])
    }

    private func file(_ request: Request) -> Response {
        guard let bytes = try? Files.read(directory + request.uri.path, limit: 64 << 20) else {
            return Self.answer(.notFound, [])
        }
        let tag = "\"\(Hex.encode(HashAlgorithm.sha256.digest(of: bytes)))\""
        if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: [.eTag: tag]) }
        return Response(status: .ok, headers: [.eTag: tag], body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private func enroll(_ body: [UInt8]) throws -> Response {
        let request: EnrollRequest = try JSON(parsing: body).decode(place: "request")
        guard request.token == Self.token else {
            return try Self.problem(
                .forbidden, "hosts.join-token", "the join token is unknown, expired or used up",
                "ask for a new one: roadstead host join-token --fleet \(request.fleet)")
        }
        let key = try PublicKey(pem: Array(request.publicKey.utf8))
        let statement = HostStatement.enrolment(
            fleetID: fleetID, hostName: request.hostName,
            tokenSHA256: Hex.encode(HashAlgorithm.sha256.digest(of: Array(request.token.utf8))))
        guard key.isValid(signature: try Base64.decode(request.proof), over: statement, scheme: .ed25519) else {
            return try Self.problem(.badRequest, "hosts.proof", "the proof does not verify", nil)
        }
        let host = "h-" + Hex.encode(key.fingerprint.prefix(8))
        state.withLock { $0.hosts[host] = key }
        let answer = EnrollBody(host: host, fleet: request.fleet, fleetID: fleetID)
        return Self.answer(.created, try JSON(encoding: answer).bytes)
    }

    private func take(_ body: [UInt8], host: String) throws -> Response {
        let envelope: ReceiptEnvelope = try JSON(parsing: body).decode(place: "request")
        let bytes = try Base64.decode(envelope.receipt)
        let signature = try Base64.decode(envelope.signature)
        let receipt = try Receipt(verifiedBytes: bytes)
        if state.withLock({ $0.isBehind }) {
            return try Self.problem(.conflict, "hosts.host-ahead", "this server knows no such release", nil)
        }
        let isTaken: Bool? = state.withLock { state in
            if state.refusesReceipts { return nil }
            guard let key = state.hosts[host], receipt.host == host,
                key.isValid(signature: signature, over: bytes, scheme: .ed25519),
                state.receipts.allSatisfy({ $0.host != host || $0.sequence < receipt.sequence })
            else { return false }
            state.receipts.append(receipt)
            return true
        }
        switch isTaken {
        case nil: return Self.answer(.serviceUnavailable, [])
        case true?: return Response(status: .noContent)
        case false?:
            return try Self.problem(.forbidden, "hosts.receipt", "the receipt is not this host's next one", nil)
        }
    }

    private static func body(_ request: Request, limit: Int = 1 << 20) async throws -> [UInt8] {
        Array(try await request.body.collect(upTo: limit).readableBytesView)
    }

    private static func problem(
        _ status: HTTPResponse.Status, _ type: String, _ detail: String, _ hint: String?
    ) throws -> Response {
        let body = ProblemBody(
            type: type, title: "refused", status: status.code, detail: detail, hint: hint, requestID: nil)
        return answer(status, try JSON(encoding: body).bytes)
    }

    private static func answer(_ status: HTTPResponse.Status, _ bytes: [UInt8]) -> Response {
        Response(status: status, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
