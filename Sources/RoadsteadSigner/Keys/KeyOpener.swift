import CloudKeys
import Codecs
import Envelopes
import Files
import Foundation
import PKI
import RoadsteadCommand
import SigningKeys
import Synchronization
import TokenKeys
import TokenWire

/// Opens the keys of the configuration: the one place where the service's backends are put together.
struct KeyOpener: Sendable {
    let policy: SigningPolicy
    let deadline: Duration

    func open(_ name: String, _ settings: KeySettings) async throws -> SigningKey.Open {
        let opened = try await backends(settings).open(try KeyName(settings.uri))
        let chain = try chain(opened, settings)
        if settings.usage == .notation {
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
        }
        return SigningKey.Open(signer: opened.signer, chain: chain)
    }

    private func chain(_ opened: OpenedKey, _ settings: KeySettings) throws -> [Certificate] {
        guard let path = settings.certificates else {
            return try opened.certificates.map { der throws(PKIError) in try Certificate(der: der) }
        }
        return try Certificate.parse(pemOrDER: try Files.read(path, limit: 1 << 20))
    }

    private func backends(_ settings: KeySettings) throws -> KeyBackends {
        let allowed = SigningPolicy(
            schemes: policy.schemes, keyTypes: policy.keyTypes,
            allowsPlaintext: policy.allowsPlaintext && settings.allowPlaintextKey == true)
        let request = KeyRequest(
            passphrase: settings.passphraseFile.map { .file($0) } ?? .terminal,
            pin: settings.pinFile.map { .file($0) } ?? .terminal, module: settings.module,
            allowsPlaintext: allowed.allowsPlaintext, console: .current)
        let deadline = deadline
        let reach = Reach { request in
            let environment = KeyServiceEnvironment(ProcessInfo.processInfo.environment)
            var backends = CloudKeys.backends(environment) { try Self.transport(caFile: $0) }
            guard let module = request.module else { return backends }
            let tokens = TokenSettings(
                module: module, program: try TokenSettings.programBesideThisOne(), deadline: deadline
            ) { token in try request.pin.secret("PIN of token \"\(token.label)\"", on: request.console) }
            backends[.pkcs11] = PKCS11Backend(tokens)
            return backends
        }
        let backends = try reach.backends(request)
        try allowed.check(try KeyName(settings.uri).scheme)
        return backends
    }

    /// Connections to services that keep keys, for as long as the program runs.
    private static let transports = Mutex<[String: HTTPKeyTransport]>([:])

    private static func transport(caFile: String?) throws -> HTTPKeyTransport {
        try transports.withLock { transports in
            if let known = transports[caFile ?? ""] { return known }
            let new = try HTTPKeyTransport(caFile: caFile)
            transports[caFile ?? ""] = new
            return new
        }
    }
}
