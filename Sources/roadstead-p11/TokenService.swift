import Files
import PKCS11Kit
import TokenWire

/// Answers requests about one token: signatures side by side, each lane in a session of its own, anything else alone.
///
/// Everything here but ``modulePath`` and ``lanes`` is guarded by ``lock``: who signs reads, who does anything else writes.
final class TokenService: @unchecked Sendable {
    private let modulePath: String
    private let lanes: Int
    private let lock = ReadWriteLock()
    private var module: Module?
    private var token: Token?
    /// Keeps everybody logged in; signs only where a lane has none of its own.
    private var session: Session?
    private var laneSessions: [Int: Session] = [:]
    /// How many lanes may have sessions of their own.
    private var laneLimit = 0
    private var isLoggedIn = false
    /// Whoever logged in takes the last tries too.
    private var allowsLastTries = false
    /// Keys that were found already; their handles live as long as the login.
    private var known: [String: KeyObject] = [:]

    init(modulePath: String, lanes: Int) {
        self.modulePath = modulePath
        self.lanes = lanes
    }

    /// Answers what came on one lane, or on the main socket.
    func answer(to message: [UInt8], lane: Int?) -> TokenResponse {
        do {
            let request = try TokenRequest(message: message)
            if case .sign(let wanted) = request { return .signature(try sign(wanted, lane)) }
            guard lane == nil else { throw TokenError(.wire, "a lane was asked for something else than a signature") }
            return try lock.writing { try perform(request) }
        } catch let error as TokenError {
            return TokenResponse(error)
        } catch let error as PKCS11Error {
            return TokenResponse(TokenError(error))
        } catch {
            return TokenResponse(TokenError(.failed, "\(error)"))
        }
    }

    func end() { lock.writing { module?.finalize() } }

    private func perform(_ request: TokenRequest) throws -> TokenResponse {
        switch request {
        case .open(let uri): return .token(try open(try TokenURI(uri)))
        case .logIn(let pin, let allowsLastTries):
            try logIn(pin, allowsLastTries)
            return .done
        case .list(let uri):
            let found = try list(try TokenURI(uri))
            let skipped = found.keys.count > MessageLimit.keys ? ["keys above the first \(MessageLimit.keys)"] : []
            return .keys(
                found.keys.prefix(MessageLimit.keys).map(TokenKeyDescription.init),
                skipped: skipped + found.skipped.prefix(MessageLimit.keys - 1))
        case .find(let uri): return .key(TokenKeyDescription(try find(try TokenURI(uri))))
        case .generate(let kind, let label, let id):
            return .key(TokenKeyDescription(try generate(KeyKind(kind), label, id)))
        case .certificates(let id, let subject):
            let found = try current().2.certificates(id: id, subject: subject, atMost: MessageLimit.certificates)
            return .certificates(found.certificates.map(TokenCertificate.init), skipped: found.skipped)
        case .storeCertificate(let certificate):
            try store(CertificateObject(certificate))
            return .done
        case .storeKey(let kind, let label, let id, let numbers):
            return .key(TokenKeyDescription(try store(try KeyMaterial(kind, numbers), KeyKind(kind), label, id)))
        case .sign: throw TokenError(.wire, "signatures are not made here")
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
        laneLimit = Self.laneLimit(lanes, module, token)
        return TokenDescription(token)
    }

    /// Two sessions are kept back: the one that keeps everybody logged in, and one to write with.
    private static func laneLimit(_ lanes: Int, _ module: Module, _ token: Token) -> Int {
        module.isSingleThreaded ? 0 : min(lanes, max(0, (token.maximumSessions ?? lanes + 2) - 2))
    }

    /// What is loaded runs as this user, so nobody else but root may be able to write it. The directories on the way to it
    /// are for the operator to look after.
    private func checkModuleFile() throws {
        guard modulePath.hasPrefix("/") else {
            throw TokenError(.module, "the PKCS#11 module \(modulePath) is not an absolute path")
        }
        do { try Files.checkTrusted(modulePath) } catch {
            throw TokenError(
                .module, "the PKCS#11 module cannot be used: \(error.reason)",
                hint: error.code == .exposed
                    ? "make sure that it is the right one, then let nobody but its owner write it"
                    : "give its path with --pkcs11-module or ROADSTEAD_PKCS11_MODULE")
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
        self.allowsLastTries = allowsLastTries
        known = [:]
    }

    private func checkTries(_ token: Token) throws(TokenError) {
        guard token.isPINFinalTry || token.isPINCountLow else { return }
        throw TokenError(
            .pinTries,
            token.isPINFinalTry
                ? "one more wrong PIN locks token \"\(token.label)\"; none was tried"
                : "a wrong PIN was given to token \"\(token.label)\" before, and it counts them; none was tried",
            hint:
                "if you are sure of the PIN: roadstead key test URI --allow-last-pin-tries; the token counts anew then")
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
        guard uri.type != .private else { return found.cut }
        let publicKeys = try session.keys(filter, .public)
        let seen = Set(found.keys.map(\.spki))
        found.keys += publicKeys.keys.filter { !seen.contains($0.spki) }
        found.skipped += publicKeys.skipped
        return found.cut
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
        try make(kind, label, id ?? (0..<16).map { _ in UInt8.random(in: 0...255) }) {
            (session, id) throws(PKCS11Error) in try session.generate(kind, label: label, id: id)
        }
    }

    private func store(_ key: KeyMaterial, _ kind: KeyKind, _ label: String, _ id: [UInt8]) throws -> KeyObject {
        try make(kind, label, id) {
            (session, id) throws(PKCS11Error) in try session.create(key, label: label, id: id)
        }
    }

    private func make(
        _ kind: KeyKind, _ label: String, _ id: [UInt8], _ body: (Session, [UInt8]) throws(PKCS11Error) -> Void
    ) throws -> KeyObject {
        let (module, token, session) = try current()
        guard !label.isEmpty, !id.isEmpty else {
            throw TokenError(.uri, "a new key needs a name", hint: "object=LABEL")
        }
        guard !(try session.hasObject(label: label, id: id)) else {
            throw TokenError(
                .exists, "token \"\(token.label)\" has a key with that label or id already",
                hint: "choose another object=, or see roadstead key list")
        }
        let writing = try Session(module, token, .readWrite)
        defer { writing.close() }
        do throws(PKCS11Error) { try body(writing, id) } catch {
            guard [.mechanism, .failed].contains(error.code) else { throw error }
            throw TokenError(
                error.code == .mechanism ? .unsupported : .failed, error.reason,
                hint: error.hint ?? "many tokens get keys only by their own tools; such keys can be used here")
        }
        let made = try session.keys(KeyFilter(label: label, id: id), .private)
        guard let key = made.keys.first, made.keys.count == 1, key.kind == kind else {
            throw TokenError(
                .failed, "token \"\(token.label)\" said that it has the new key, but the key cannot be found",
                hint: made.skipped.first)
        }
        return key
    }

    /// A certificate that is there already is not put there again.
    private func store(_ certificate: CertificateObject) throws {
        let (module, token, session) = try current()
        let there = try session.certificates(id: certificate.id, subject: nil, atMost: MessageLimit.certificates)
        guard !there.certificates.contains(where: { $0.der == certificate.der }) else { return }
        guard there.certificates.count < MessageLimit.certificates else {
            throw TokenError(
                .failed, "token \"\(token.label)\" has \(MessageLimit.certificates) certificates of that key already")
        }
        let writing = try Session(module, token, .readWrite)
        defer { writing.close() }
        try writing.create(certificate)
    }

    // MARK: Signatures

    /// Signs only with the key that the client knows by its public half. A key that wants its PIN each time signs alone,
    /// because nothing may come between the PIN and the signature.
    private func sign(_ wanted: TokenSignatureRequest, _ lane: Int?) throws -> [UInt8] {
        let (key, isShared) = lock.reading { (known[wanted.uri], lane.map { laneSessions[$0] == nil } ?? true) }
        if let key, !isShared, !key.wantsPINEachTime {
            return try lock.reading { try sign(wanted, key, lane.flatMap { laneSessions[$0] }) }
        }
        let found = try lock.writing { () -> KeyObject in
            openSession(of: lane)
            return try keyToSign(wanted)
        }
        let session = lock.reading { lane.flatMap { laneSessions[$0] } }
        guard session == nil || found.wantsPINEachTime else {
            return try lock.reading { try sign(wanted, found, session) }
        }
        return try lock.writing {
            if found.wantsPINEachTime, !allowsLastTries, let token { try checkTries(try current().0.refreshed(token)) }
            return try sign(wanted, found, session)
        }
    }

    /// A lane that gets no session of its own signs in the common one, alone.
    private func openSession(of lane: Int?) {
        guard let lane, lane < laneLimit, laneSessions[lane] == nil, let module, let token else { return }
        do { laneSessions[lane] = try Session(module, token, .readOnly) } catch { laneLimit = lane }
    }

    private func keyToSign(_ wanted: TokenSignatureRequest) throws -> KeyObject {
        let key = try known[wanted.uri] ?? find(try TokenURI(wanted.uri))
        guard key.isPrivate else {
            throw TokenError(
                .pinMissing, "only the public half of \(wanted.uri) is seen",
                hint: "private keys are seen only with the PIN")
        }
        known[wanted.uri] = key
        return key
    }

    private func sign(_ wanted: TokenSignatureRequest, _ key: KeyObject, _ session: Session?) throws -> [UInt8] {
        guard key.spki == wanted.spki else {
            throw TokenError(
                .key, "the key at \(wanted.uri) is another one than before",
                hint: "somebody replaced the key or the token; sign nothing before you know why")
        }
        let session = try session ?? current().2
        do throws(PKCS11Error) {
            return try session.sign(wanted.bytes, with: key, SigningMechanism(wanted.mechanism), pin: wanted.pin)
        } catch {
            throw explained(error, key.kind)
        }
    }

    /// Says what is behind a missing Ed25519 mechanism, which looks like a broken key, and behind a login that is gone.
    private func explained(_ error: PKCS11Error, _ kind: KeyKind) -> any Error {
        switch (error.code, kind) {
        case (.mechanism, .ed25519):
            TokenError(
                .unsupported, "the token does not make Ed25519 signatures: \(error.reason)",
                hint: "the key is not broken; modules that reach a token over a network often lack them: use P-256")
        case (.notLoggedIn, _) where isLoggedIn:
            TokenError(.lost, "the token forgot that it was given the PIN: \(error.reason)")
        default: error
        }
    }
}

extension FoundKeys {
    /// As many as a message holds; each half of a token alone has no more, but both together may.
    fileprivate var cut: FoundKeys {
        let limit = MessageLimit.keys
        guard max(keys.count, skipped.count) > limit else { return self }
        var cut = FoundKeys(keys: Array(keys.prefix(limit)), skipped: Array(skipped.prefix(limit - 1)))
        cut.skipped.append("what is above the first \(limit) keys of the token")
        return cut
    }
}
