import Codecs
package import SigningKeys

/// Metadata that a threshold of a role's keys has signed. Made only in this file.
package struct SignedMetadata<Content: RoleMetadata>: Sendable {
    /// The bytes as received.
    package let bytes: [UInt8]
    package let content: Content
    /// The keys that signed it and speak for the role, one for each distinct key.
    package let signers: [KeyID]

    fileprivate init(_ metadata: UnverifiedMetadata<Content>, _ signers: [KeyID]) {
        bytes = metadata.bytes
        content = metadata.unverifiedContent
        self.signers = signers
    }

    package var version: Int64 { content.version }
}

/// The keys that speak for a role and how many of them must sign, taken from metadata that is trusted.
package struct Quorum: Sendable, Equatable {
    package let keys: KeyRing
    package let role: RoleKeys
    /// The role's name, for messages.
    package let name: String

    package init(keys: KeyRing, role: RoleKeys, of name: String) {
        self.keys = keys
        self.role = role
        self.name = name
    }

    /// The distinct keys that can count.
    package var materials: Set<PublicKey> { Set(role.keyIDs.compactMap { keys.usableKey($0)?.material }) }

    /// Counts which of the role's keys have signed a message.
    package func tally(_ signatures: [MetadataSignature], over message: [UInt8]) -> Tally {
        var tally = Tally(threshold: role.threshold)
        var counted: Set<PublicKey> = []
        let ours = Set(role.keyIDs)
        for signature in signatures where ours.contains(signature.keyID) {
            guard let key = keys.key(listedAs: signature.keyID), key.id == signature.keyID,
                case .verifies(let material, let scheme) = key.use
            else {
                if let problem = keys.problem(with: signature.keyID) { tally.problems.append(problem) }
                continue
            }
            guard let bytes = signature.bytes, material.isValid(signature: bytes, over: message, scheme: scheme) else {
                tally.problems.append("the signature of key \(signature.keyID) does not verify")
                continue
            }
            if counted.insert(material).inserted {
                tally.signers.append(signature.keyID)
            } else {
                tally.problems.append("key \(signature.keyID) is another form of a key that has signed already")
            }
        }
        return tally
    }

    /// Verifies that a threshold of distinct keys has signed. [TUF §5.3.4, §5.4.2, §5.5.3, §5.6.3]
    ///
    /// Distinct is the key itself, not its id: one key in two encodings has two ids and counts once.
    package func verify<Content>(
        _ metadata: UnverifiedMetadata<Content>
    ) throws(TUFError) -> SignedMetadata<Content> {
        let tally = tally(metadata.signatures, over: metadata.signedBytes)
        guard tally.isMet else { throw tally.failure(name) }
        return SignedMetadata(metadata, tally.signers)
    }
}

/// Who has signed, and why other signatures do not count.
package struct Tally: Sendable, Equatable {
    package let threshold: Int
    package fileprivate(set) var signers: [KeyID] = []
    package fileprivate(set) var problems: [String] = []

    package var isMet: Bool { signers.count >= threshold }

    fileprivate init(threshold: Int) { self.threshold = threshold }

    func failure(_ role: String) -> TUFError {
        let shown = problems.prefix(4).joined(separator: "; ")
        let rest = problems.count > 4 ? "; and \(problems.count - 4) more" : ""
        return TUFError(
            .unsigned,
            "\(signers.count) of \(threshold) keys of the role \"\(role.prefix(80))\" have signed it"
                + (shown.isEmpty ? "" : " (\(shown)\(rest))"))
    }
}

extension SignedMetadata where Content == Root {
    /// Takes a root as the first one: signed by a threshold of its own keys. That it is the right one is for the
    /// caller to know, by a fingerprint. [TUF §5.2]
    package init(selfSigned metadata: UnverifiedMetadata<Root>) throws(TUFError) {
        self = try metadata.unverifiedContent.quorum(for: .root).verify(metadata)
    }

    /// Verifies the next root by a threshold of this root's keys and of its own. [TUF §5.3.4]
    package func verifySuccessor(_ next: UnverifiedMetadata<Root>) throws(TUFError) -> SignedMetadata<Root> {
        do { _ = try content.quorum(for: .root).verify(next) } catch { throw error.inside("by the trusted root") }
        do { return try SignedMetadata(selfSigned: next) } catch { throw error.inside("by its own keys") }
    }
}
