import Codecs
import Envelopes
import Files
import Foundation
import KeyPlaces
import PKI
import RoadsteadCommand
import SigningKeys
import Synchronization
import TokenKeys
import TokenWire

/// Opens the keys of the configuration: the one place where the service's backends are put together.
final class KeyOpener: Sendable {
    private let policy: SigningPolicy
    private let deadline: Duration
    /// Which PINs tokens refused, over restarts too.
    private let pins: PINMemory
    /// The backends of each key last as long as the service: a token's hold its connection and know of its PIN.
    private let backends = Mutex<[String: KeyBackends]>([:])
    /// The name of each key that was opened.
    private let names = Mutex<[PublicKey: String]>([:])

    /// - Parameter state: a directory of the service's own.
    init(policy: SigningPolicy, deadline: Duration, state: String) {
        self.policy = policy
        self.deadline = deadline
        pins = PINMemory(directory: state + "/pins")
    }

    func open(_ name: String, _ settings: KeySettings) async throws -> SigningKey.Open {
        let opened = try await open(try backends(name, settings), name, settings)
        let chain = try chain(opened, settings)
        switch settings.usage {
        case .notation:
            do throws(KeyError) { _ = try EnvelopeAlgorithm(usableBy: opened.signer) } catch {
                throw SignerError(.configuration, error.reason, hint: error.hint)
            }
            guard let leaf = chain.first, leaf.publicKey == opened.signer.publicKey else {
                throw SignerError(
                    .configuration, "the first certificate of the key \"\(name)\" is not the key's",
                    hint: "name a file with its chain, leaf first, in \"certificates\"")
            }
            guard case .verified = try UnverifiedChain(chain).verified(for: .codeSigning) else {
                throw SignerError(.configuration, "the chain of the key \"\(name)\" breaks the Notary Project's rules")
            }
        case .raw:
            let purposes = chain.first?.extensions.extendedKeyUsage?.purposes ?? []
            guard !purposes.contains(ObjectIdentifier.codeSigning) else {
                throw SignerError(
                    .configuration, "the raw key \"\(name)\" has a certificate that signs artifacts",
                    hint: "use a key of its own for what is no artifact")
            }
        }
        try claim(opened.signer.publicKey, name)
        return SigningKey.Open(signer: opened.signer, chain: chain)
    }

    private func open(_ backends: KeyBackends, _ name: String, _ settings: KeySettings) async throws -> OpenedKey {
        do {
            return try await backends.open(try KeyName(settings.uri))
        } catch let error as TokenError where error.code == .pinTries {
            throw SignerError(
                .configuration, error.reason,
                hint: "once the PIN is right, set keys.\(name).allowLastPINTries, or log in with another program")
        }
    }

    /// One key under two names would be bound by the criteria of neither.
    private func claim(_ key: PublicKey, _ name: String) throws(SignerError) {
        let first = names.withLock { names in
            if names[key] == nil { names[key] = name }
            return names[key]
        }
        guard first == name else {
            throw SignerError(
                .configuration, "the keys \"\(first ?? "")\" and \"\(name)\" are one key",
                hint: "whoever may use one of the names would not be held to the criteria of the other")
        }
    }

    private func chain(_ opened: OpenedKey, _ settings: KeySettings) throws -> [Certificate] {
        guard let path = settings.certificates else {
            return try opened.certificates.map { der throws(PKIError) in try Certificate(der: der) }
        }
        return try Certificate.parse(pemOrDER: try Files.read(path, limit: 1 << 20))
    }

    private func backends(_ name: String, _ settings: KeySettings) throws -> KeyBackends {
        let allowed = SigningPolicy(
            schemes: policy.schemes, keyTypes: policy.keyTypes,
            allowsPlaintext: policy.allowsPlaintext && settings.allowPlaintextKey == true)
        try allowed.check(try KeyName(settings.uri).scheme)
        return try backends.withLock { backends in
            if let known = backends[name] { return known }
            let request = KeyRequest(
                passphrase: settings.passphraseFile.map { .file($0) } ?? .terminal,
                allowsPlaintext: allowed.allowsPlaintext, console: .current)
            let new = try Reach { _ in
                KeyPlaces.backends(ProcessInfo.processInfo.environment) { try self.tokens(settings) }
            }.backends(request)
            backends[name] = new
            return new
        }
    }

    private func tokens(_ settings: KeySettings) throws -> any KeyBackend {
        guard let module = settings.module else {
            throw SignerError(.configuration, "a key is on a token, and nothing says which \"module\" reaches it")
        }
        let pin = settings.pinFile.map { SecretSource.file($0) }
        let tokens = TokenSettings(
            module: module, program: try TokenSettings.programBesideThisOne(), deadline: deadline,
            allowsLastPINTries: settings.allowLastPINTries, pinMemory: pins
        ) { token in
            guard !token.hasOwnKeypad else { return nil }
            return try pin?.secret("PIN of token \"\(token.label)\"", on: .current)
        }
        return UnattendedTokens(tokens, pinFile: settings.pinFile)
    }
}
