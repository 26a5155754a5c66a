package import Codecs
import Files
import MetadataTransport
import RoadsteadWire
package import SigningKeys
import TUF
package import TrustModel

/// What a host needs to know to enrol: whom to ask, and the digest of the root that it will believe.
package struct EnrolmentRequest: Sendable {
    package let server: ServerAddress
    package let fleet: FleetName
    /// Known from a join string; otherwise the pinned root says it.
    package let fleetID: FleetID?
    /// SHA-256 of the root's bytes.
    package let rootSHA256: [UInt8]
    package let rootVersion: Int64
    package let minimumVersions: [String: Int64]
    package let token: Secret
    package let hostName: String
    package let labels: [String: String]
    package let notationConfig: String?
    /// PEM file with the only CA certificates that are believed for TLS; the system's when nil.
    package let caFile: String?

    package init(
        server: ServerAddress, fleet: FleetName, fleetID: FleetID?, rootSHA256: [UInt8], rootVersion: Int64,
        minimumVersions: [String: Int64], token: Secret, hostName: String, labels: [String: String],
        notationConfig: String?, caFile: String? = nil
    ) {
        self.server = server
        self.fleet = fleet
        self.fleetID = fleetID
        self.rootSHA256 = rootSHA256
        self.rootVersion = rootVersion
        self.minimumVersions = minimumVersions
        self.token = token
        self.hostName = hostName
        self.labels = labels
        self.notationConfig = notationConfig
        self.caFile = caFile
    }
}

/// Makes a host a member of its fleet.
package struct Enrolment: Sendable {
    package let state: StateDirectory
    package let request: EnrolmentRequest

    package init(_ state: StateDirectory, _ request: EnrolmentRequest) {
        self.state = state
        self.request = request
    }

    /// Enrols. Nothing is written before the root that the server sends has the pinned digest, and what was written
    /// is taken away again when the server refuses.
    package func enrol(_ transport: HTTPTransport, now: UTCDate) async throws -> AgentConfiguration {
        try checkNotEnrolled()
        let root = try await pinnedRoot(transport)
        let existed = Files.exists(state.path)
        try state.create()
        return try await state.locked {
            // Another enrolment may have come first while this one waited for its root.
            try checkNotEnrolled()
            return try await enrol(transport, root, existed: existed, now: now)
        }
    }

    private func checkNotEnrolled() throws(AgentError) {
        guard !Files.exists(state.configuration) else {
            throw AgentError(
                .enrolled, "\(state.path) belongs to an enrolled host already",
                hint:
                    "roadstead-agent leave --state \(state.path), or name another --state directory; after the fleet's root keys were lost: --replace-root"
            )
        }
    }

    private func enrol(
        _ transport: HTTPTransport, _ root: PinnedRoot, existed: Bool, now: UTCDate
    ) async throws -> AgentConfiguration {
        let (key, isNew) = try HostKey.loadOrCreate(state)
        do {
            try Files.write(root.bytes, to: "\(state.metadata)/\(Role.root.fileName)")
            let answer = try await join(transport, key: key, fleetID: root.fleetID)
            let configuration = AgentConfiguration(
                server: request.server.text, fleet: request.fleet, fleetID: root.fleetID, host: answer.host,
                hostName: request.hostName, rootSHA256: Hex.encode(request.rootSHA256),
                minimumVersions: request.minimumVersions, notationConfig: request.notationConfig,
                caFile: request.caFile, enrolled: now)
            try configuration.save(state)
            return configuration
        } catch {
            // A lost answer may have enrolled the key: it is kept, and the next attempt uses it again.
            let isCertain = (error as? AgentError)?.code == .refused || (error as? AgentError)?.code == .unknownFleet
            if isNew, isCertain { removeTraces(existed: existed) }
            throw error
        }
    }

    private func pinnedRoot(_ transport: HTTPTransport) async throws -> PinnedRoot {
        let file = MetadataFile(.root, version: request.rootVersion)
        let source = HTTPFleetSource(transport, fleet: request.fleet)
        let limit = MetadataLimits().rootBytes
        guard let bytes = try await source.metadata(file.path, limit: limit, seconds: 60) else {
            throw AgentError(
                .unknownFleet,
                "the server \(request.server) has no root \(request.rootVersion) of a fleet \"\(request.fleet)\"",
                hint: "check the fleet's name, or ask its operator for a new join string")
        }
        return try PinnedRoot(
            bytes, sha256: request.rootSHA256, fleetID: request.fleetID, fleet: request.fleet, server: request.server)
    }

    private func join(_ transport: HTTPTransport, key: PrivateKey, fleetID: FleetID) async throws -> EnrollBody {
        let tokenDigest = request.token.withBytes { Hex.encode(HashAlgorithm.sha256.digest(of: $0)) }
        let statement = HostStatement.enrolment(
            fleetID: fleetID, hostName: request.hostName, tokenSHA256: tokenDigest)
        let proof = try await verifiedSignature(by: key, over: statement, scheme: .ed25519)
        let body = EnrollRequest(
            token: request.token.withBytes { String(decoding: $0, as: UTF8.self) }, fleet: request.fleet,
            hostName: request.hostName, publicKey: key.publicKey.pem, proof: Base64.encode(proof),
            labels: request.labels.isEmpty ? nil : request.labels)
        let answer = try await transport.post("/v1/enroll", json: try JSON(encoding: body).bytes)
        guard (200..<300).contains(answer.status) else { throw refusal(answer) }
        let enrolled: EnrollBody
        do { enrolled = try JSON(parsing: answer.body).decode(place: "the server's answer") } catch {
            throw AgentError(.answer, "the server's answer to the enrolment cannot be read: \(error)")
        }
        let isPlain =
            enrolled.host.utf8.allSatisfy { isalnumOrHyphen($0) } && (1...128).contains(enrolled.host.utf8.count)
        guard enrolled.fleetID == fleetID, enrolled.fleet == request.fleet, isPlain else {
            throw AgentError(.answer, "the server enrolled this host into another fleet, \(enrolled.fleet)")
        }
        return enrolled
    }

    private func refusal(_ answer: HTTPAnswer) -> AgentError {
        let problem = ServerProblem(answer)
        guard answer.status < 500 else {
            return AgentError(.unavailable, "the server failed to enrol this host: \(problem.text)", hint: problem.hint)
        }
        return AgentError(
            answer.status == 404 ? .unknownFleet : .refused, "the server refused to enrol this host: \(problem.text)",
            hint: problem.hint ?? "make a new join token: roadstead host join-token --fleet \(request.fleet)")
    }

    private func removeTraces(existed: Bool) {
        try? Files.remove(state.hostKey)
        try? Files.removeTree(state.metadata)
        try? Files.removeTree(state.generations)
        try? Files.removeTree(state.receipts)
        try? Files.remove(state.lock)
        if !existed { try? Files.removeTree(state.path) }
    }
}

private func isalnumOrHyphen(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
    default: false
    }
}
