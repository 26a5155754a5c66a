package import Codecs

/// Where the keys of an issuer come from.
package protocol IssuerKeys: Sendable {
    /// - Throws: `.key` for one that the issuer does not have, `.provider` while it cannot be asked.
    func key(_ id: String, now: UTCDate) async throws(IdentityTokenError) -> ProviderKey
}

/// The keys of one issuer: as it hands them out, or as an operator keeps them in a file. [RFC 7517 §5]
package struct KeySet: IssuerKeys {
    package static let largest = 256 * 1_024
    package static let mostKeys = 50

    private let keys: [String: ProviderKey]

    /// - Parameter owner: whose keys these are, for messages.
    /// - Throws: `.provider` for what is no key set, is too large, has two keys of one name or none that counts.
    package init(_ bytes: [UInt8], of owner: String) throws(IdentityTokenError) {
        let list: [JSON]
        do {
            list = try JSON(parsing: bytes, limits: JSONLimits(bytes: Self.largest, depth: 16))
                .object("the key set").array("keys", in: "the key set")
        } catch {
            throw IdentityTokenError(.provider, "the keys of \(owner): \(error.reason)")
        }
        guard list.count <= Self.mostKeys else {
            throw IdentityTokenError(.provider, "\(owner) has more than \(Self.mostKeys) keys")
        }
        var keys: [String: ProviderKey] = [:]
        for case .object(let entry) in list {
            guard let key = ProviderKey(entry) else { continue }
            guard keys.updateValue(key, forKey: key.id) == nil else {
                throw IdentityTokenError(.provider, "\(owner) has two keys of one name")
            }
        }
        guard !keys.isEmpty else { throw IdentityTokenError(.provider, "\(owner) has no key that counts") }
        self.keys = keys
    }

    package subscript(_ id: String) -> ProviderKey? { keys[id] }

    package func key(_ id: String, now: UTCDate) async throws(IdentityTokenError) -> ProviderKey {
        guard let key = keys[id] else { throw IdentityTokenError(.key, "no key of that name was configured") }
        return key
    }
}
