package import Codecs
import SigningKeys
import TUF
import TrustModel

/// Roots: the first, and every later one that replaces keys.
extension FixtureFleet {
    /// Signs and writes the next root with the keys that are there now.
    func writeRoot(at now: UTCDate, days: Int64, former: [PrivateKey] = []) async throws {
        if rootKeys.isEmpty { rootKeys = [try PrivateKey.generate(.ed25519)] }
        var ring = KeyRing()
        func role(_ signers: [PrivateKey], _ threshold: Int) throws -> RoleKeys {
            let keys = try signers.map { try Key($0.publicKey) }
            for key in keys { ring.add(key) }
            return try RoleKeys(keys.map(\.id), threshold: threshold)
        }
        let root = try role(rootKeys, rootThreshold)
        let (timestamp, snapshot) = (try role([key("timestamp")], 1), try role([key("snapshot")], 1))
        let targets = try role([key("targets")], 1)
        var header = header("root", now.adding(days: days), now)
        header.stamp = FleetStamp(fleet: id.rawValue, issued: now)
        let content = Root(
            header: header, keys: ring, root: root, timestamp: timestamp, snapshot: snapshot, targets: targets)
        var draft = try MetadataDraft(content)
        for signer in former + rootKeys { try await draft.sign(with: signer) }
        rootBytes = draft.bytes
        try write(rootBytes, "metadata/\(content.version).root.json")
    }

    /// Publishes the next root with new keys of some roles, signed by the root's former keys and by its own.
    ///
    /// - Parameters:
    ///   - rootKeys: how many keys the root has from now on, all of them new; nil keeps those it has.
    ///   - startsOver: the former keys are lost and do not sign.
    package func rotate(
        _ roles: Set<String> = [], rootKeys count: Int? = nil, threshold: Int = 1, startsOver: Bool = false,
        at now: UTCDate, days: Int64 = 365
    ) async throws {
        for role in roles { keys[role] = try PrivateKey.generate(.ed25519) }
        let former = rootKeys
        if let count {
            rootKeys = try (0..<count).map { _ in try PrivateKey.generate(.ed25519) }
            rootThreshold = threshold
        }
        try await writeRoot(at: now, days: days, former: startsOver || count == nil ? [] : former)
    }
}
