import Codecs
import Files
import RoadsteadPublish
import RoadsteadStore

/// Puts another master key in place of the present one; ended at any moment, it can be run again.
struct MasterKeyRotation {
    let store: PublisherStore
    /// The file of the present key.
    let path: String
    /// An operator's own file with the new one; nil when it is made here and moved into place.
    let newPath: String?

    /// - Returns: how many keys were sealed anew.
    func run(now: UTCDate) async throws -> Int {
        let old = try MasterKey(file: path)
        let staged = newPath ?? path + ".new"
        if newPath == nil, !Files.exists(staged) {
            try Files.create(try MasterKey.generate().fileText, at: staged, mode: 0o600)
            try Files.syncDirectory(Files.parent(of: staged))
        }
        let new = try MasterKey(file: staged)
        var count = 0
        if try await store.masterKeyCheckValue() != new.checkValue {
            count = try await store.rotateMasterKey(
                from: old.checkValue, to: new.checkValue, now: now,
                webhooks: { record in
                    let secret = try WebhookSecret(
                        sealed: record.sealed, name: record.name, url: record.url, under: old)
                    return WebhookSecretRecord(
                        id: record.id, name: record.name, url: record.url,
                        sealed: try secret.sealed(name: record.name, url: record.url, under: new))
                }
            ) { records in
                try MasterKey.rotate(try records.map(ServerKey.init), from: old, to: new).map(ServerKeyRecord.init)
            }
        }
        if newPath == nil { try moveIntoPlace(staged) }
        return count
    }

    /// The old key stays beside the new one until the operator removes it: backups of the database still need it.
    private func moveIntoPlace(_ staged: String) throws {
        try Files.write(try Files.readSecret(path), to: path + ".old", mode: 0o600)
        try Files.rename(staged, to: path)
    }
}
