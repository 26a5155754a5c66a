import Problems
package import SigningKeys
import TUF
package import TrustModel

/// Opens the server's own keys where they are, and makes new ones where the configuration says.
package struct ServerKeys: Sendable {
    package let master: MasterKey
    package let places: KeyPlaces
    /// nil where every key is sealed.
    package let reach: KeyReach?

    package init(_ master: MasterKey, places: KeyPlaces = .sealed, reach: KeyReach? = nil) {
        self.master = master
        self.places = places
        self.reach = reach
    }

    /// Opens a key. One that lives elsewhere is reached for when it signs, and not before.
    package func open(_ key: ServerKey) throws -> RoleKey {
        guard case .named = key.home else { return try key.open(under: master) }
        guard let material = key.key.material else {
            throw PublishError(.keyUnavailable, "the key for \(key.purpose) has a type that cannot sign")
        }
        return RoleKey(
            purpose: key.purpose, key: key.key, signer: NamedKey(publicKey: material, key: key, keys: self))
    }

    /// Why a key cannot be used, as far as that is known without trying it; nil when nothing speaks against it.
    package func problem(with key: ServerKey) -> String? {
        guard case .named(let name, _) = key.home else { return nil }
        do {
            return try self.reach(of: key).failure(of: name)
        } catch {
            return error.reason
        }
    }

    /// Tries a key that lives elsewhere.
    ///
    /// - Returns: why it cannot be used; nil when it can, and for sealed keys.
    package func test(_ key: ServerKey) async -> String? {
        guard case .named(let name, _) = key.home else { return nil }
        guard case .verifies(let material, let scheme) = key.key.use else { return "its type cannot sign" }
        do throws(PublishError) {
            return await (try self.reach(of: key)).test(name, material, scheme: scheme)
        } catch {
            return error.reason
        }
    }

    /// What new keys for a purpose may be called, in the order in which they are taken; empty where they are sealed.
    package func names(for purpose: KeyPurpose, in fleet: FleetName?, from number: Int, count: Int) -> [KeyName] {
        guard let template = places.template(for: purpose), number <= KeyTemplate.maximumNumber else { return [] }
        let last = min(number + count - 1, KeyTemplate.maximumNumber)
        return (number...last).compactMap { template.name(for: purpose, in: fleet, number: $0) }
    }

    /// Makes a key for one purpose: under the name, or where somebody has made it there before, takes that; sealed
    /// without a name.
    package func make(for purpose: KeyPurpose, in fleet: FleetName?, named name: KeyName?) async throws -> ServerKey {
        guard let name else { return try ServerKey.generate(for: purpose, under: master) }
        guard let reach, places.give(name, for: purpose, in: fleet) else { throw Self.foreign(name, purpose) }
        let publicKey: PublicKey
        do {
            publicKey = try await reach.make(name, type: places.type) { try Self.scheme($0) }
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Self.unavailable(purpose, error)
        }
        return ServerKey(purpose: purpose, key: try Key(publicKey), home: .named(name, fleet: fleet))
    }

    private static func scheme(_ publicKey: PublicKey) throws -> SignatureScheme {
        guard let scheme = try Key(publicKey).signatureScheme else {
            throw KeyError(.unsupported, "a key of type \(publicKey.type) cannot sign metadata")
        }
        return scheme
    }

    /// Only a name that the configuration gives is ever followed, whatever the database says.
    fileprivate func reach(of key: ServerKey) throws(PublishError) -> KeyReach {
        guard case .named(let name, let fleet) = key.home, let reach, places.give(name, for: key.purpose, in: fleet)
        else { throw Self.foreign(key.name, key.purpose) }
        return reach
    }

    private static func foreign(_ name: KeyName?, _ purpose: KeyPurpose) -> PublishError {
        PublishError(
            .keyName,
            "the key for \(purpose) is stored as \(name?.description ?? "sealed"), which the configuration does not name",
            hint: "set keys.former to the template by which it was made, or let a ceremony give its role another key")
    }

    fileprivate static func unavailable(_ purpose: KeyPurpose, _ error: any Error) -> PublishError {
        let problem = error as? any Problem
        return PublishError(
            .keyUnavailable, "the key for \(purpose) cannot be used: \(problem?.reason ?? "its place failed")",
            hint: problem?.hint)
    }
}

/// A key in a token or a service, as its role signs with it.
private struct NamedKey: Signer {
    let publicKey: PublicKey
    let key: ServerKey
    let keys: ServerKeys

    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        let reach = try keys.reach(of: key)
        guard let name = key.name else { throw ServerKeys.unavailable(key.purpose, CancellationError()) }
        do {
            return try await reach.signature(over: message, scheme: scheme, by: name, publicKey)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ServerKeys.unavailable(key.purpose, error)
        }
    }
}
