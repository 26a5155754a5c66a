import Codecs
import CoreMetrics
import Logging
import Observability
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TrustModel

/// Hosts: how they join, what they report, who they are.
struct HostController: Sendable {
    private static let tag = "hosts"
    private static let receiptLimit = 1 << 20

    let store: ApiStore
    let hosts: HostStore
    let gate: Gate
    let metrics: any MetricsFactory
    let logger: Logger
    /// The address by which hosts reach the server.
    let publicAddress: @Sendable () -> String

    var endpoints: [Endpoint] {
        [
            .write(
                "/v1/fleets/{fleet}/join-tokens", "Makes a join string for hosts, shown once", tag: Self.tag,
                permission: .fleet(Permission.operateFleet),
                repeats: .refused
            ) { try await joinToken($0, $1) },
            .read(
                "/v1/hosts", "Hosts", tag: Self.tag, permission: .filtered,
                queries: [.init(name: "fleet", summary: "of one fleet")] + Endpoint.pageQueries
            ) { call in
                let fleet = try call.query("fleet", as: FleetName.self)
                return try await store.hosts(of: fleet, try call.page()).body(HostBody.init)
            },
            .read("/v1/hosts/{id}", "A host", tag: Self.tag, permission: .filtered) { call in
                HostBody(try await store.host(try call.number("id")))
            },
            .remove(
                "/v1/hosts/{id}", "Takes a host out of its fleet", tag: Self.tag,
                permission: .decidedInside("the fleet of the host")
            ) { call in
                try await store.removeHost(try call.number("id"), by: try call.caller().actor, now: call.now)
            },
            .write(
                "/v1/enroll", "Enrols a host that holds a join token and proves its key", tag: Self.tag,
                access: .open, permission: .proven, repeats: .harmless
            ) { try await enrol($0, $1) },
            .deliver(
                "/v1/hosts/{id}/receipts", "Takes in a receipt, signed with the host's key", tag: Self.tag,
                access: .open, permission: .proven, bodyLimit: Self.receiptLimit
            ) { try await receive($0, $1) },
            .deliver(
                "/v1/hosts/{id}/metadata",
                "Takes in the metadata that a host holds, signed with the host's key, after the answer host-ahead",
                tag: Self.tag, access: .open, permission: .proven, bodyLimit: HostMetadata.largestRequest
            ) { try await showMetadata($0, $1) },
            .read("/v1/halts", "Fleets whose publishing has stopped, and why", tag: Self.tag, permission: .filtered) {
                call in
                let readable = Reader(try call.caller()).fleets
                return try await store.files.halts().filter { readable.contains($0.fleet) }.map(HaltBody.init)
            },
        ]
    }

    private func joinToken(_ call: Call, _ request: JoinTokenRequest) async throws -> JoinTokenBody {
        let session = try call.caller()
        let uses = try IdentityController.checked(request.uses ?? 1, 1...10_000, "uses")
        let hours = try IdentityController.checked(request.expiresInHours ?? 24, 1...720, "expiresInHours")
        let fleet = try await store.fleet(try call.path("fleet"))
        guard let digest = fleet.rootSHA256, fleet.rootVersion > 0 else {
            throw StoreError(
                .conflict, "fleet \"\(fleet.name)\" has no root yet, which hosts are pinned to",
                hint: "make its root first: roadstead ceremony open --fleet \(fleet.name)")
        }
        let token = TokenText.generate(.join)
        let record = try await store.createJoinToken(
            for: fleet.name, tokenSHA256: token.sha256, uses: uses, labels: request.labels ?? [:],
            expires: call.now.adding(seconds: Int64(hours) * 3_600), by: session.actor, now: call.now)
        let timestamp = try await store.files.timestampVersion(of: fleet.name)
        let join = JoinString(
            server: publicAddress(), fleet: fleet.name, fleetID: fleet.id, rootSHA256: digest,
            rootVersion: fleet.rootVersion,
            minimumVersions: timestamp > 0 ? ["timestamp": timestamp, "snapshot": fleet.release] : [:],
            token: token.text)
        return JoinTokenBody(joinString: try join.text, expires: record.expires, uses: record.usesLeft)
    }

    // MARK: Enrolment

    private func enrol(_ call: Call, _ request: EnrollRequest) async throws -> EnrollBody {
        try await gate.admit(call.request, call.context, now: call.now)
        let fleet: FleetRecord
        do {
            fleet = try await store.fleet(request.fleet)
        } catch let error as StoreError where error.code == .notFound {
            await gate.recordFailure(call.request, call.context, now: call.now)
            throw error
        }
        guard let token = TokenText(request.token, .join) else { throw await refused(call) }
        let key = try Self.hostKey(request.publicKey)
        let statement = HostStatement.enrolment(
            fleetID: fleet.id, hostName: request.hostName, tokenSHA256: Hex.encode(token.sha256))
        guard let proof = try? Base64.decode(request.proof),
            key.isValid(signature: proof, over: statement, scheme: .ed25519)
        else {
            throw ServerError(
                .request, "the proof is no signature with the host's key over this fleet, name and token",
                hint: "enrol with roadstead-agent, which makes it")
        }
        do {
            let host = try await hosts.enrol(
                try NewHost(
                    name: request.hostName, fleet: request.fleet, publicKey: key.spki, labels: request.labels ?? [:]),
                tokenSHA256: token.sha256, now: call.now)
            return EnrollBody(host: "\(host.id)", fleet: host.fleet, fleetID: host.fleetID)
        } catch let error as StoreError where error.code == .unauthenticated {
            throw await refused(call)
        }
    }

    private func refused(_ call: Call) async -> ServerError {
        await gate.recordFailure(call.request, call.context, now: call.now)
        return ServerError(
            .unauthenticated, "this join token does not count for this fleet",
            hint: "make another one: roadstead host join-token")
    }

    private static func hostKey(_ pem: String) throws -> PublicKey {
        let key = try PublicKey(pem: Array(pem.utf8))
        guard key.type == .ed25519 else {
            throw ServerError(.request, "the host's key is \(key.type), and hosts have Ed25519 keys")
        }
        return key
    }

    // MARK: Receipts

    private func receive(_ call: Call, _ envelope: ReceiptEnvelope) async throws {
        do {
            try await take(call, envelope)
            count("taken")
        } catch {
            count("refused")
            throw error
        }
    }

    private func take(_ call: Call, _ envelope: ReceiptEnvelope) async throws {
        try await gate.admit(call.request, call.context, now: call.now)
        let host = try await hosts.host(try call.number("id"))
        let (bytes, signature) = try await signed(envelope.receipt, envelope.signature, by: host, call)
        let receipt = try Receipt(verifiedBytes: bytes)
        guard receipt.host == "\(host.id)" else {
            throw ServerError(.request, "the receipt is of host \"\(receipt.host.prefix(40))\", not of this one")
        }
        try await hosts.record(
            receipt.named(host.name), bytes: bytes, signature: signature, from: host, now: call.now)
    }

    /// What a host sent and its signature over that, once it is found to be the host's.
    func signed(
        _ text: String, _ signature: String, by host: HostRecord, _ call: Call
    ) async throws -> (bytes: [UInt8], signature: [UInt8]) {
        let (bytes, signature) = (try Base64.decode(text), try Base64.decode(signature))
        guard try PublicKey(spki: host.publicKey).isValid(signature: signature, over: bytes, scheme: .ed25519) else {
            await gate.recordFailure(call.request, call.context, now: call.now)
            throw ServerError(
                .unauthenticated, "this is not signed with the key of the host",
                hint: "enrol the host again if its key was replaced")
        }
        return (bytes, signature)
    }

    private func count(_ outcome: String) {
        Counter(
            label: MetricName.receipts.rawValue, dimensions: [("outcome", outcome)], factory: metrics
        ).increment()
    }
}

extension Receipt {
    /// The same under the name by which the store knows the host; hosts call themselves by their id.
    fileprivate func named(_ name: String) -> Receipt {
        Receipt(
            host: name, fleet: fleet, sequence: sequence, issued: issued, agentVersion: agentVersion,
            release: release, releaseDigest: releaseDigest, roleVersions: roleVersions, enforcers: enforcers,
            warnings: warnings, lagging: lagging ?? [])
    }
}

extension HostBody {
    init(_ record: HostRecord) {
        self.init(
            id: "\(record.id)", name: record.name, fleet: record.fleet, labels: record.labels,
            enrolled: record.enrolled, lastSeen: record.lastSeen, release: record.release, behind: record.behind,
            agentVersion: record.agentVersion.isEmpty ? nil : record.agentVersion, enforcers: record.enforcers,
            warnings: record.warnings, removed: record.removed != nil)
    }
}
