/// One kind of place where private keys live: finds the key that a URI names, and what else can be done with it there.
package protocol KeyBackend: Sendable {
    /// Opens the one private key that a URI names, for as many signatures as are wanted. None or several are refused.
    func open(_ name: KeyName) async throws -> OpenedKey

    /// The public half, without a secret where the place gives it without one.
    func publicKey(_ name: KeyName) async throws -> PublicKey

    /// The keys that a URI, which may name a whole token or service, leads to.
    func list(_ name: KeyName) async throws -> KeyListing

    /// Makes a key that stays in its place, and takes it only if a signature of it is right.
    func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey

    /// Puts a key, or only its certificates where `key` is nil, leaf first (DER), into a place that has the key already.
    func store(_ key: PrivateKey?, certificates: [[UInt8]], at name: KeyName) async throws
}

extension KeyBackend {
    package func publicKey(_ name: KeyName) async throws -> PublicKey { try await open(name).signer.publicKey }

    package func list(_ name: KeyName) async throws -> KeyListing { throw cannot("list keys", name) }

    package func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        throw cannot("make keys", name)
    }

    package func store(_ key: PrivateKey?, certificates: [[UInt8]], at name: KeyName) async throws {
        throw cannot("take keys or certificates in", name)
    }

    private func cannot(_ what: String, _ name: KeyName) -> KeyError {
        KeyError(
            .unsupported, "keys of the kind \(name.scheme.prefix) cannot \(what) here",
            hint: "use the tools of the place where the key lives")
    }
}

/// A private key that is ready to sign, wherever it lives.
package struct OpenedKey: Sendable {
    package let signer: any Signer
    /// The certificates that lie beside the key, leaf first, DER; none where the place keeps none.
    package let certificates: [[UInt8]]
    /// How its file protected it; nil for keys that are in no file.
    package let protection: KeyFileProtection?
    /// The URI that names exactly this key, with its version where it has one.
    package let name: KeyName

    package init(
        _ signer: any Signer, name: KeyName, certificates: [[UInt8]] = [], protection: KeyFileProtection? = nil
    ) {
        self.signer = signer
        self.name = name
        self.certificates = certificates
        self.protection = protection
    }
}

/// The keys of one place.
package struct KeyListing: Sendable {
    package struct Entry: Sendable {
        /// The URI that names exactly this key.
        package let name: KeyName
        package let publicKey: PublicKey
        /// Whether the private half was seen; on most tokens that takes a login.
        package let isPrivate: Bool

        package init(name: KeyName, publicKey: PublicKey, isPrivate: Bool) {
            self.name = name
            self.publicKey = publicKey
            self.isPrivate = isPrivate
        }
    }

    package let entries: [Entry]
    /// In words, what was found and cannot be used.
    package let skipped: [String]

    package init(entries: [Entry], skipped: [String] = []) {
        self.entries = entries
        self.skipped = skipped
    }
}
