package import Codecs

extension TeamContent {
    /// The team's targets as hosts receive them: its stores as PEM, an emptied one with no bytes, and its policy.
    package var targets: TeamTargets {
        get throws {
            var files: [TrustStoreID: [UInt8]] = [:]
            for store in stores {
                let text = store.anchors.map { PEMBlock(label: "CERTIFICATE", bytes: $0).text }.joined()
                files[TrustStoreID(team: name, kind: store.kind, name: store.name)] = Array(text.utf8)
            }
            return TeamTargets(team: name, policy: try policy.publishedBytes(), stores: files)
        }
    }
}

extension FleetContent {
    /// What a host of the fleet believes that is given all of this: merged by the code that hosts merge with.
    package func merged(release: Int64 = 0, now: UTCDate) throws -> TrustMerge.Outcome {
        let states = try teams.map { ($0.name, TeamState.verified(try $0.targets)) }
        return TrustMerge(
            settings: settings, ops: OpsSettings(repositories: repositories), deny: DenyDocument(denials: denials),
            teams: Dictionary(states) { first, _ in first }, release: release, issued: now
        ).merged()
    }
}
