import Codecs
import Foundation
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

/// A host of a fleet with our own client: its cache is kept from one refresh to the next.
final class TestHost: MetadataAccess {
    private let fleet: TestFleet
    private let pinned: [UInt8]
    var cache: [Role: [UInt8]] = [:]
    /// Files that the repository seems not to have yet.
    var hidden: Set<String> = []

    init(_ fleet: TestFleet, pinned: [UInt8]? = nil) throws {
        self.fleet = fleet
        self.pinned = try pinned ?? #require(fleet.state.roots.first)
    }

    /// Refreshes as the agent does: everything that is delegated, of which deny must be there.
    @discardableResult
    func refresh(at now: UTCDate = noon) async throws -> DelegatedRoles {
        let policy = UpdatePolicy(
            initialRoot: cache[.root] == nil ? .bytes(pinned) : .cached, now: now,
            expectedFleet: fleet.content.id.rawValue)
        var workflow = UpdateWorkflow(policy)
        let trusted = try await workflow.run(with: self).trusted
        var delegations = DelegationsUpdate(trusted, mandatory: [try RoleName("deny")])
        return try await delegations.run(with: self)
    }

    /// The anchors' files of a team that the host believes; nil when its role did not arrive.
    func targets(of team: String, at now: UTCDate = noon) async throws -> [String: TargetFile]? {
        let roles = try await refresh(at: now)
        guard case .success? = roles[try RoleName(team)] else { return nil }
        let found = roles.targets(of: .delegated(try RoleName(team)))
        return Dictionary(uniqueKeysWithValues: found.map { ($0.name.text, $0.file) })
    }

    /// Whether the host has what a team's content says.
    func has(_ team: TeamContent, at now: UTCDate = noon) async throws -> Bool {
        guard let targets = try await targets(of: team.name.rawValue, at: now) else { return false }
        let expected = try team.bundle.files.map { ($0.name.text, $0.file) }
        return targets == Dictionary(uniqueKeysWithValues: expected)
    }

    func load(_ role: Role, maximumBytes: Int) -> [UInt8]? { cache[role] }
    func persist(_ role: Role, _ bytes: [UInt8]) { cache[role] = bytes }
    func delete(_ role: Role) { cache[role] = nil }

    func fetch(_ file: MetadataFile, maximumBytes: Int) throws -> [UInt8]? {
        guard !hidden.contains(file.path) else { return nil }
        return try? fleet.read("metadata/\(file.path)")
    }
}
