package import Codecs
import Files
import Glibc
import PKI
package import SigningKeys
import Synchronization
import TokenWire

/// Keys on tokens: USB tokens, HSMs, TPMs, whatever a PKCS#11 module reaches.
///
/// The operator chooses the module; a URI only says which token and which key. Each token has one connection, so that its
/// PIN is given once.
package final class PKCS11Backend: KeyBackend {
    private let settings: TokenSettings
    private let now: @Sendable () -> UTCDate
    private let connections = Mutex<[Place: TokenConnection]>([:])

    /// Each token that is in use has a process of its own.
    private static let maximumConnections = 32

    private struct Place: Hashable {
        let token: TokenURI
        let pinFile: String?
    }

    /// Nothing is started yet.
    ///
    /// - Parameter now: tells which of the certificates of a key are in force.
    package init(
        _ settings: TokenSettings, now: @escaping @Sendable () -> UTCDate = { UTCDate(seconds: Int64(time(nil))) }
    ) {
        self.settings = settings
        self.now = now
    }

    package func open(_ name: KeyName) async throws -> OpenedKey {
        let (uri, connection) = try connect(name)
        return try await opened(try await TokenKey(uri, on: connection), connection)
    }

    package func publicKey(_ name: KeyName) async throws -> PublicKey {
        let (uri, connection) = try connect(name)
        return try PublicKey(try await connection.publicKey(uri))
    }

    /// Private keys too where a PIN can be had; else only what the token shows to everybody.
    package func list(_ name: KeyName) async throws -> KeyListing {
        let (uri, connection) = try connect(name)
        let found: (keys: [TokenKeyDescription], skipped: [String])
        do {
            found = try await connection.keys(uri, loggedIn: uri.type != .public)
        } catch let error as TokenError where error.code == .pinMissing {
            found = try await connection.keys(uri, loggedIn: false)
        }
        let token = try await connection.describe()
        var skipped = found.skipped
        var entries: [KeyListing.Entry] = []
        for key in found.keys {
            do {
                entries.append(
                    KeyListing.Entry(
                        name: try Self.name(of: key, token), publicKey: try PublicKey(key), isPrivate: key.isPrivate))
            } catch {
                skipped.append("key \"\(key.label)\": \(error)")
            }
        }
        return KeyListing(entries: entries, skipped: skipped)
    }

    package func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        let (uri, connection) = try connect(name)
        let key = try await TokenKey.generate(TokenKeyKind(type), uri, on: connection)
        return try await opened(key, connection)
    }

    package func store(_ key: PrivateKey?, certificates: [[UInt8]], at name: KeyName) async throws {
        let (uri, connection) = try connect(name)
        guard key != nil || !certificates.isEmpty else {
            throw TokenError(.key, "there is neither a key nor a certificate to be put on the token")
        }
        let chain = try CertificatesToStore(certificates)
        let description: TokenKeyDescription
        if let key {
            try chain.check(belongTo: key.publicKey)
            description = try await connection.store(
                TokenKeyKind(key.publicKey.type), numbers: try KeyNumbers(key).numbers, uri)
            try await TokenKey(uri, description, on: connection).prove()
        } else {
            description = try await connection.privateKey(uri)
            try chain.check(belongTo: try PublicKey(description))
        }
        for certificate in chain.certificates(for: description) { try await connection.store(certificate) }
    }

    private func opened(_ key: TokenKey, _ connection: TokenConnection) async throws -> OpenedKey {
        let token = try await connection.describe()
        return OpenedKey(
            key, name: try Self.name(of: key.description, token), certificates: try await chain(of: key, connection))
    }

    /// The certificates of a key: by its identifier, their issuers by their names, and what is then still missing among the
    /// first that the token shows.
    private func chain(of key: TokenKey, _ connection: TokenConnection) async throws -> [[UInt8]] {
        var found = CertificatesOnToken(at: now())
        if !key.description.id.isEmpty { found.add(try await connection.certificates(id: key.description.id)) }
        for _ in 0..<CertificatesOnToken.maximumChain {
            guard let subject = found.missingIssuer(of: key),
                found.add(try await connection.certificates(subject: subject))
            else { break }
        }
        if !found.isComplete(key) { found.add(try await connection.certificates()) }
        return found.chain(of: key).map(\.der)
    }

    private func connect(_ name: KeyName) throws -> (TokenURI, TokenConnection) {
        let uri = try TokenURI(name.text)
        let place = Place(token: uri.tokenOnly, pinFile: uri.pinFile)
        let connection = try connections.withLock { connections throws(TokenError) -> TokenConnection in
            if let known = connections[place] { return known }
            guard connections.count < Self.maximumConnections else {
                throw TokenError(.failed, "\(Self.maximumConnections) tokens are in use already")
            }
            let new = TokenConnection(uri, settings(for: uri))
            connections[place] = new
            return new
        }
        return (uri, connection)
    }

    /// A PIN file that the URI names comes before what the settings would ask.
    private func settings(for uri: TokenURI) -> TokenSettings {
        guard let file = uri.pinFile else { return settings }
        var settings = settings
        settings.pin = { token in
            guard !token.hasOwnKeypad else { return nil }
            var line = try Files.readSecretLine(file)
            return Secret(wiping: &line)
        }
        return settings
    }

    /// The one URI of a key, by what is written on it and on its token.
    private static func name(of key: TokenKeyDescription, _ token: TokenDescription) throws -> KeyName {
        try KeyName(TokenURI(token: token.label, serial: token.serial, object: key.label, id: key.id).description)
    }
}
