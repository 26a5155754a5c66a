import RoadsteadCommand
import SigningKeys
import TokenKeys
import TokenWire

/// Keys on tokens, by the PKCS#11 module that the caller chose.
struct TokenKeysOnModules: KeyBackend {
    private let request: KeyRequest

    init(_ request: KeyRequest) { self.request = request }

    func open(_ name: KeyName) async throws -> OpenedKey {
        let uri = try uri(name)
        return OpenedKey(try await TokenKey(uri, on: try connection(to: uri)), name: name)
    }

    /// The PIN is asked for only if the token hides even the public half.
    func publicKey(_ name: KeyName) async throws -> PublicKey {
        let uri = try uri(name)
        return try PublicKey(try await connection(to: uri).publicKey(uri))
    }

    func list(_ name: KeyName) async throws -> KeyListing {
        let uri = try uri(name)
        let connection = try connection(to: uri)
        let token = try await connection.describe()
        let hasPIN = request.pin.isReady || uri.pinFile != nil
        var (keys, skipped) = try await connection.keys(uri, loggedIn: hasPIN)
        if token.requiresLogin, !hasPIN {
            skipped.append("private keys, which are seen only with the PIN (--pin-file FILE)")
        }
        return KeyListing(
            entries: try keys.map { key in
                let own = TokenURI(token: token.label, serial: token.serial, object: key.label, id: key.id)
                return .init(
                    name: try KeyName(own.description), publicKey: try PublicKey(key), isPrivate: key.isPrivate)
            }, skipped: skipped)
    }

    func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        let kind: TokenKeyKind
        switch type {
        case .ed25519: kind = .ed25519
        case .ec(.p256): kind = .p256
        default: throw KeyError(.unsupported, "keys of type \(type) are not made on tokens")
        }
        let uri = try uri(name)
        guard uri.object != nil else {
            throw KeyError(.name, "\(uri) does not say what the new key is called", hint: "add object=LABEL")
        }
        return OpenedKey(try await TokenKey.generate(kind, uri, on: try connection(to: uri)), name: name)
    }

    private func uri(_ name: KeyName) throws -> TokenURI {
        do throws(TokenError) { return try TokenURI(name.text) } catch {
            throw KeyError(.name, error.reason, hint: error.hint)
        }
    }

    private func connection(to uri: TokenURI) throws -> TokenConnection {
        guard let module = request.module, !module.isEmpty else {
            throw CommandError(
                .usage, "the key is on a token, and nothing says which PKCS#11 module reaches it",
                hint: "give --pkcs11-module FILE or set ROADSTEAD_PKCS11_MODULE")
        }
        let settings = TokenSettings(
            module: module, program: try TokenSettings.programBesideThisOne(),
            allowsLastPINTries: request.allowsLastPINTries
        ) { token in try pin(of: token, uri) }
        return TokenConnection(uri, settings)
    }

    private func pin(of token: TokenDescription, _ uri: TokenURI) throws -> Secret? {
        if token.hasOwnKeypad {
            request.console.say("enter the PIN of token \"\(token.label)\" on its own keys")
            return nil
        }
        let named = uri.pinFile.map { SecretSource.file($0) }
        let source = request.pin.isReady ? request.pin : named ?? request.pin
        return try source.secret("PIN of token \"\(token.label)\"", on: request.console)
    }
}
