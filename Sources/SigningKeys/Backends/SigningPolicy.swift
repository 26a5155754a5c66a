/// What an enterprise allows of keys that sign: where they live, what they are, whether a file may hold one in the clear.
package struct SigningPolicy: Sendable, Equatable {
    package let schemes: Set<KeyScheme>
    /// nil allows every type that is supported.
    package let keyTypes: Set<KeyType>?
    package let allowsPlaintext: Bool

    /// Every place and type; keys in the clear are off.
    package static let standard = SigningPolicy()

    package init(
        schemes: Set<KeyScheme> = Set(KeyScheme.allCases), keyTypes: Set<KeyType>? = nil, allowsPlaintext: Bool = false
    ) {
        self.schemes = schemes
        self.keyTypes = keyTypes
        self.allowsPlaintext = allowsPlaintext
    }

    /// What both allow.
    package func narrowed(by other: SigningPolicy) -> SigningPolicy {
        let types = [keyTypes, other.keyTypes].compactMap(\.self)
        return SigningPolicy(
            schemes: schemes.intersection(other.schemes),
            keyTypes: types.dropFirst().reduce(types.first) { $0?.intersection($1) },
            allowsPlaintext: allowsPlaintext && other.allowsPlaintext)
    }

    package func check(_ scheme: KeyScheme) throws(KeyError) {
        guard schemes.contains(scheme) else {
            let allowed = schemes.map(\.prefix).sorted().joined(separator: ", ")
            throw KeyError(
                .refused, "the signing policy does not allow keys of the kind \(scheme.prefix)",
                hint: "it allows \(allowed.isEmpty ? "none" : allowed)")
        }
    }

    package func check(_ type: KeyType) throws(KeyError) {
        guard let keyTypes, !keyTypes.contains(type) else { return }
        let allowed = keyTypes.map(\.description).sorted().joined(separator: ", ")
        throw KeyError(
            .refused, "the signing policy does not allow keys of type \(type)",
            hint: "it allows \(allowed.isEmpty ? "none" : allowed)")
    }

    package func check(_ key: OpenedKey) throws(KeyError) {
        try check(key.name.scheme)
        try check(key.signer.publicKey.type)
        guard key.protection != .plaintext || allowsPlaintext else {
            throw KeyError(
                .refused, "no passphrase protects the private key in \(key.name), and the policy does not allow that",
                hint: "encrypt it with openssl pkcs8 -topk8 -v2 aes256")
        }
    }
}
