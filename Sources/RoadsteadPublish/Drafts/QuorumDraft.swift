import Codecs
import SigningKeys
import TUF

/// Metadata that collects signatures made elsewhere, until every quorum that it must satisfy is met.
struct QuorumDraft<Content: RoleMetadata>: Sendable {
    /// Keys that have to sign, and what to call them: `the keys of root 2`.
    struct Party: Sendable {
        let quorum: Quorum
        let label: String
    }

    private(set) var draft: MetadataDraft<Content>
    let parties: [Party]
    /// The code of the errors thrown here.
    let code: PublishError.Code

    init(_ draft: MetadataDraft<Content>, parties: [Party], code: PublishError.Code) {
        self.draft = draft
        self.parties = parties
        self.code = code
    }

    var content: Content { draft.content }
    var toSign: [UInt8] { draft.toSign }
    /// The keys whose signatures count.
    var keyIDs: [String] { Set(parties.flatMap(\.quorum.role.keyIDs)).sorted().map(\.text) }
    var signedBy: [String] { draft.signatures.map(\.keyID.text) }

    /// What still has to be signed, a line each.
    var missing: [String] {
        parties.compactMap { party in
            let tally = draft.tally(party.quorum)
            return tally.isMet ? nil : "\(tally.threshold - tally.signers.count) more of \(party.label)"
        }
    }

    /// Takes a signature in if it is one of a key that counts, over exactly these bytes.
    ///
    /// - Parameter signature: hexadecimal.
    mutating func add(signature: String, keyID: String) throws {
        let key = try key(KeyID(keyID))
        guard let bytes = try? Hex.decode(signature.lowercased()) else {
            throw PublishError(code, "the signature of key \(key.id) is not hexadecimal")
        }
        do { try draft.add(bytes, by: key) } catch { throw PublishError(code, error.reason, hint: error.hint) }
    }

    /// Signs with a key of the server's that counts.
    mutating func sign(with key: RoleKey) async throws {
        try await draft.sign(with: key.signer, as: try self.key(key.key.id))
    }

    /// The file, once every quorum is met.
    func close(_ what: String, limit: Int) throws -> [UInt8] {
        guard missing.isEmpty else {
            throw PublishError(code, "\(what) still needs \(missing.joined(separator: " and "))")
        }
        let bytes = draft.bytes
        guard bytes.count <= limit else {
            throw PublishError(.size, "\(what) has \(bytes.count) bytes, at most \(limit) fit")
        }
        for party in parties {
            _ = try party.quorum.verify(try UnverifiedMetadata<Content>(bytes, maximumBytes: limit))
        }
        return bytes
    }

    private func key(_ id: KeyID) throws -> Key {
        for party in parties where party.quorum.role.keyIDs.contains(id) {
            if let key = party.quorum.keys.usableKey(id) { return key }
        }
        throw PublishError(
            code, "key \(id.text.prefix(64)) does not speak for this role",
            hint: "sign with one of: \(keyIDs.joined(separator: ", "))")
    }
}
