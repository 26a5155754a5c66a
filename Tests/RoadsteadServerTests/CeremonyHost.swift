import Codecs
import Foundation
import HTTPTypes
import HummingbirdTesting
import PythonEnvironment
import RoadsteadWire
import TUF
import Testing
import TrustModel

@testable import RoadsteadServer

/// A host of the fleet `demo` that keeps what it trusts: our own client, over the server's own delivery.
final class CeremonyHost: MetadataAccess {
    private let api: TestAPI
    private let fleet: FleetName
    private var cache: [Role: [UInt8]] = [:]
    private let pinned: [UInt8]

    /// A host that is pinned to the root with a version.
    init(_ api: TestAPI, fleet: String = "demo", root version: Int64 = 1) async throws {
        self.api = api
        self.fleet = try FleetName(fleet)
        let reply = try await api.eventually {
            try await api.send(.get, "/fleets/\(fleet)/metadata/\(version).root.json")
        } until: {
            $0.status == .ok
        }
        guard reply.status == .ok else { throw TestAPI.UnexpectedReply(text: "no root \(version) of \(fleet)") }
        pinned = reply.body
    }

    /// Refreshes as a host does, everything of its roles too, and gives the versions that it trusts.
    @discardableResult
    func refresh(teams: [String] = []) async throws -> [String: Int64] {
        let policy = UpdatePolicy(
            initialRoot: cache.isEmpty ? .bytes(pinned) : .cached, now: SystemClock.now(), expectedFleet: try id())
        var workflow = UpdateWorkflow(policy)
        let trusted = try await workflow.run(with: self).trusted
        var delegations = DelegationsUpdate(
            trusted, mandatory: try (["deny", "revocation", "ops"] + teams).map(RoleName.init(slug:)))
        _ = try await delegations.run(with: self)
        var versions: [String: Int64] = [:]
        for (role, bytes) in cache {
            versions["\(role)"] = try JSON(parsing: bytes).object("file").object("signed", in: "file")
                .integer("version", in: "signed")
        }
        return versions
    }

    private func id() throws -> String {
        try JSON(parsing: pinned).object("root").object("signed", in: "root").object("x-roadstead", in: "signed")
            .string("fleet", in: "x-roadstead")
    }

    func load(_ role: Role, maximumBytes: Int) -> [UInt8]? { cache[role] }

    func fetch(_ file: MetadataFile, maximumBytes: Int) async throws -> [UInt8]? {
        let reply = try await api.send(.get, "/fleets/\(fleet)/metadata/\(file.path)")
        if reply.status == .notFound { return nil }
        guard reply.status == .ok else { throw TestAPI.UnexpectedReply(text: "\(file.path): \(reply.status)") }
        return reply.body
    }

    func persist(_ role: Role, _ bytes: [UInt8]) { cache[role] = bytes }
    func delete(_ role: Role) { cache[role] = nil }
}

/// Stock python-tuf as an old host of a fleet that is served over HTTP.
struct StockHost {
    private let url: String
    private let state: String

    /// nil where python-tuf is not there and cannot be fetched.
    init?(_ api: TestAPI, fleet: String = "demo") async throws {
        guard try await PythonEnvironment.isAvailable() else { return nil }
        let port = try #require(api.client.port)
        url = "http://127.0.0.1:\(port)/fleets/\(fleet)"
        state = "\(api.state)/python-\(UInt32.random(in: 0 ... .max))"
    }

    /// Refreshes and downloads every target; throws what python-tuf says when it refuses.
    func follow() throws { _ = try PythonEnvironment.run("follow.py", [state, url]) }
}
