import Files
import PKCS11Kit
import TokenWire

/// Answers requests about one token, one after the other.
final class TokenService {
    private let modulePath: String
    private var module: Module?
    private var token: Token?
    private var session: Session?
    private var isLoggedIn = false
    /// Keys that were found already; their handles live as long as the session.
    private var known: [String: KeyObject] = [:]

    init(modulePath: String) { self.modulePath = modulePath }

    func answer(to message: [UInt8]) -> TokenResponse {
        do {
            return try perform(try TokenRequest(message: message))
        } catch let error as TokenError {
            return TokenResponse(error)
        } catch let error as PKCS11Error {
            return TokenResponse(TokenError(error))
        } catch {
            return TokenResponse(TokenError(.failed, "\(error)"))
        }
    }

    func end() { module?.finalize() }

    private func perform(_ request: TokenRequest) throws -> TokenResponse {
        switch request {
        case .open(let uri): return .token(try open(try TokenURI(uri)))
        case .logIn(let pin, let allowsLastTries):
            try logIn(pin, allowsLastTries)
            return .done
        case .list(let uri):
            let found = try list(try TokenURI(uri))
            return .keys(found.keys.map(TokenKeyDescription.init), skipped: found.skipped)
        case .find(let uri): return .key(TokenKeyDescription(try find(try TokenURI(uri))))
        case .generate(let kind, let label, let id):
            return .key(TokenKeyDescription(try generate(KeyKind(kind), label, id)))
        case .sign(let uri, let spki, let bytes, let pin):
            return .signature(try sign(uri, spki, bytes, pin))
        }
    }

    // MARK: The token

    private func open(_ uri: TokenURI) throws -> TokenDescription {
        guard module == nil else { throw TokenError(.wire, "a token was opened already") }
        try checkModuleFile()
        let module = try Module(path: modulePath)
        self.module = module
        let all = try module.tokens()
        let fitting = all.filter { $0.fits(uri) }
        guard let token = fitting.first, fitting.count == 1 else {
            let names = (fitting.isEmpty ? all : fitting).prefix(20).map { "\"\($0.label)\" (serial \($0.serial))" }
            let there = names.isEmpty ? "there is none" : names.joined(separator: ", ")
            throw TokenError(
                .token,
                fitting.isEmpty
                    ? "no token fits \(uri); the module \(modulePath) has: \(there)"
                    : "\(fitting.count) tokens fit \(uri): \(there)",
                hint: fitting.isEmpty ? "see that the token is plugged in, and its label" : "name one by its serial=")
        }
        self.token = token
        session = try Session(module, token, .readOnly)
        return TokenDescription(token)
    }

    /// What is loaded runs as this user, so nobody else may be able to write it.
    private func checkModuleFile() throws {
        guard modulePath.hasPrefix("/") else {
            throw TokenError(.module, "the PKCS#11 module \(modulePath) is not an absolute path")
        }
        let status: FileStatus
        do { status = try Files.status(modulePath, links: .followed) } catch {
            throw TokenError(
                .module, "the PKCS#11 module cannot be used: \(error.reason)",
                hint: "give its path with --pkcs11-module or ROADSTEAD_PKCS11_MODULE")
        }
        guard status.kind == .regular else {
            throw TokenError(.module, "the PKCS#11 module \(modulePath) is not a file")
        }
        guard status.mode & 0o002 == 0 else {
            throw TokenError(
                .module, "everybody on this machine can change the PKCS#11 module \(modulePath)",
                hint: "chmod o-w \(modulePath), after you have made sure that it is the right one")
        }
    }

    /// Gives the PIN once. A token that counts wrong ones is left alone when it says so, unless told otherwise.
    private func logIn(_ pin: [UInt8]?, _ allowsLastTries: Bool) throws {
        let (module, opened, session) = try current()
        let token = try module.refreshed(opened)
        guard token.hasPIN else {
            throw TokenError(.pinLocked, "token \"\(token.label)\" has no PIN yet", hint: "set one with its own tools")
        }
        guard !token.isPINLocked else {
            throw TokenError(
                .pinLocked, "the PIN of token \"\(token.label)\" is locked",
                hint: "unlock it with the token's own tools and its PUK or security officer")
        }
        guard !token.mustChangePIN else {
            throw TokenError(.pinLocked, "the PIN of token \"\(token.label)\" must be changed before it is used")
        }
        if !allowsLastTries { try checkTries(token) }
        guard pin != nil || token.hasOwnKeypad else {
            throw TokenError(.pinMissing, "token \"\(token.label)\" needs a PIN")
        }
        try session.logIn(pin: token.hasOwnKeypad ? nil : pin)
        isLoggedIn = true
        known = [:]
    }

    private func checkTries(_ token: Token) throws(TokenError) {
        guard token.isPINFinalTry || token.isPINCountLow else { return }
        throw TokenError(
            .pinTries,
            token.isPINFinalTry
                ? "one more wrong PIN locks token \"\(token.label)\"; none was tried"
                : "a wrong PIN was given to token \"\(token.label)\" before, and it counts them; none was tried",
            hint: "if you are sure of the PIN, give --allow-last-pin-tries")
    }

    private func current() throws -> (Module, Token, Session) {
        guard let module, let token, let session else { throw TokenError(.wire, "no token was opened") }
        return (module, token, session)
    }

    // MARK: Keys

    /// Private keys, and public ones that belong to none of them.
    private func list(_ uri: TokenURI) throws -> FoundKeys {
        let session = try current().2
        let filter = KeyFilter(uri)
        var found = uri.type == .public ? FoundKeys() : try session.keys(filter, .private)
        guard uri.type != .private else { return found }
        let publicKeys = try session.keys(filter, .public)
        let seen = Set(found.keys.map(\.spki))
        found.keys += publicKeys.keys.filter { !seen.contains($0.spki) }
        found.skipped += publicKeys.skipped
        return found
    }

    /// Exactly one key, or what was found instead.
    private func find(_ uri: TokenURI) throws -> KeyObject {
        let session = try current().2
        let filter = KeyFilter(uri)
        var found = uri.type == .public ? FoundKeys() : try session.keys(filter, .private)
        if found.keys.isEmpty, uri.type != .private {
            let publicKeys = try session.keys(filter, .public)
            found = FoundKeys(keys: publicKeys.keys, skipped: found.skipped + publicKeys.skipped)
        }
        if let key = found.keys.first, found.keys.count == 1 { return key }
        guard found.keys.isEmpty else {
            let names = found.keys.prefix(20).map(\.name).joined(separator: ", ")
            throw TokenError(
                .key, "\(found.keys.count) keys fit \(uri): \(names)", hint: "name one of them with object= and id=")
        }
        guard found.skipped.isEmpty else {
            throw TokenError(
                .unsupported, "no key that fits \(uri) can be used: \(found.skipped.prefix(5).joined(separator: "; "))")
        }
        throw try noKey(uri)
    }

    private func noKey(_ uri: TokenURI) throws -> TokenError {
        let others = try list(try TokenURI(TokenURI.scheme)).keys.prefix(20).map(\.name)
        let there = others.isEmpty ? "none is seen" : "there are: \(others.joined(separator: ", "))"
        return TokenError(
            .key, "no key fits \(uri); \(there)",
            hint: isLoggedIn ? "roadstead key list \(uri.tokenOnly)" : "most private keys are seen only with the PIN")
    }

    /// Refuses a label or an identifier that is taken, so that a URI goes on naming one key.
    private func generate(_ kind: KeyKind, _ label: String, _ id: [UInt8]?) throws -> KeyObject {
        let (module, token, session) = try current()
        guard !label.isEmpty else { throw TokenError(.uri, "a new key needs a name", hint: "object=LABEL") }
        let id = id ?? (0..<16).map { _ in UInt8.random(in: 0...255) }
        guard !(try session.hasObject(label: label, id: id)) else {
            throw TokenError(
                .exists, "token \"\(token.label)\" has a key with that label or id already",
                hint: "choose another object=, or see roadstead key list")
        }
        let writing = try Session(module, token, .readWrite)
        defer { writing.close() }
        try writing.generate(kind, label: label, id: id)
        let made = try session.keys(KeyFilter(label: label, id: id), .private)
        guard let key = made.keys.first, made.keys.count == 1, key.kind == kind else {
            throw TokenError(
                .failed, "token \"\(token.label)\" said that it made a key, but the key cannot be found",
                hint: made.skipped.first)
        }
        return key
    }

    /// Signs only with the key that the client knows by its public half.
    private func sign(_ uri: String, _ spki: [UInt8], _ bytes: [UInt8], _ pin: [UInt8]?) throws -> [UInt8] {
        let (module, token, session) = try current()
        let key = try known[uri] ?? find(try TokenURI(uri))
        guard key.isPrivate else {
            throw TokenError(
                .pinMissing, "only the public half of \(uri) is seen", hint: "private keys are seen only with the PIN")
        }
        guard key.spki == spki else {
            throw TokenError(
                .key, "the key at \(uri) is another one than before",
                hint: "somebody replaced the key or the token; sign nothing before you know why")
        }
        known[uri] = key
        if key.wantsPINEachTime { try checkTries(try module.refreshed(token)) }
        return try Self.explained(key.kind) { () throws(PKCS11Error) in try session.sign(bytes, with: key, pin: pin) }
    }

    /// Says what is behind a missing Ed25519 mechanism, which looks like a broken key.
    private static func explained(
        _ kind: KeyKind, _ body: () throws(PKCS11Error) -> [UInt8]
    ) throws -> [UInt8] {
        let error: PKCS11Error
        do throws(PKCS11Error) { return try body() } catch let caught { error = caught }
        guard error.code == .mechanism, kind == .ed25519 else { throw error }
        throw TokenError(
            .unsupported, "the token does not make Ed25519 signatures: \(error.reason)",
            hint: "the key is not broken; modules that reach a token over a network often lack them: use P-256")
    }
}
