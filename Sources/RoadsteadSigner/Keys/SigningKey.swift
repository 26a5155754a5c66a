import Codecs
import Envelopes
import Logging
import PKI
import ReleaseCriteria
import SigningKeys
import TokenWire

/// What a key may be asked to sign.
enum SigningUsage: String, Sendable, Decodable {
    /// Notary Project signatures of artifacts, and nothing else.
    case notation
    /// What is of one of the key's formats, such as TUF metadata; never what a notation key signs.
    case raw
}

/// A key that the service signs with: opened when it can be, bounded in what it takes on, cut off when it hangs.
actor SigningKey {
    /// A key that is ready.
    struct Open: Sendable {
        let signer: any Signer
        let chain: [Certificate]

        var publicKey: PublicKey { signer.publicKey }
    }

    nonisolated let name: String
    nonisolated let settings: KeySettings
    nonisolated let criteria: ReleaseCriteria
    nonisolated let ledger: KeyLedger
    private let opening: @Sendable () async throws -> Open
    private var open: Open?
    private var inFlight = 0
    private var isOpening = false
    private(set) var problem: String? = "it was not opened yet"
    /// When it last made a signature that its own public key confirms.
    private var proven: ContinuousClock.Instant?

    init(
        _ name: String, _ settings: KeySettings, _ criteria: ReleaseCriteria, ledger: KeyLedger,
        opening: @escaping @Sendable () async throws -> Open
    ) {
        self.name = name
        self.settings = settings
        self.criteria = criteria
        self.ledger = ledger
        self.opening = opening
    }

    /// The key, where it is open.
    var current: Open? { open }

    /// Signs within the deadline, or says why not; no more at once than the key's queue holds.
    func sign(_ message: [UInt8], scheme: SignatureScheme, limit: Duration) async throws -> [UInt8] {
        guard let open else {
            throw SignerError(.keyAway, "the key \"\(name)\" is not available", hint: "see /readyz; try again later")
        }
        guard inFlight < settings.queue else {
            throw SignerError(.overload, "\(inFlight) requests wait for the key \"\(name)\" already", hint: "try again")
        }
        inFlight += 1
        let (signer, name) = (open.signer, name)
        do {
            let signature = try await withDeadline(
                limit, { SignerError(.keyAway, "the key \"\(name)\" did not answer in time", hint: "see /readyz") }
            ) {
                // A call that hangs counts until it ends, so that a hung key takes on no more than its queue.
                defer { Task { await self.ended() } }
                return try await verifiedSignature(by: signer, over: message, scheme: scheme)
            }
            (problem, proven) = (nil, .now)
            return signature
        } catch let error as CancellationError {
            // Nobody waits any longer; that says nothing of the key.
            throw error
        } catch {
            problem = "\(error)"
            // It is opened anew, which is where it is known what PIN may be given.
            if (error as? TokenError)?.code == .pinWrong { self.open = nil }
            if let error = error as? SignerError { throw error }
            throw SignerError(.keyAway, "the key \"\(name)\" did not sign", hint: "see /readyz")
        }
    }

    private func ended() { inFlight -= 1 }

    /// Opens the key if it is closed, and otherwise has it prove itself unless it just did.
    func probe(every period: Duration, limit: Duration) async {
        guard open != nil else { return await tryOpening(limit) }
        if problem == nil, let proven, .now - proven < period { return }
        guard let scheme = try? scheme(nil) else { return }
        _ = try? await sign(KeyChallenge.fresh(), scheme: scheme, limit: limit)
    }

    private func tryOpening(_ limit: Duration) async {
        guard !isOpening else { return }
        isOpening = true
        let (name, opening, usage) = (name, opening, settings.usage)
        do {
            let open = try await withDeadline(
                limit, { SignerError(.keyAway, "the key \"\(name)\" did not open in time") }
            ) {
                defer { Task { await self.openingEnded() } }
                let open = try await opening()
                let scheme = Self.scheme(usage, open.publicKey.type)
                _ = try await verifiedSignature(by: AnySigner(open.signer), over: KeyChallenge.fresh(), scheme: scheme)
                return open
            }
            (self.open, problem, proven) = (open, nil, .now)
        } catch is CancellationError {
        } catch {
            problem = "\(error)"
        }
    }

    private func openingEnded() { isOpening = false }

    /// The scheme of a request: what follows from the key, or what the caller of a raw key names.
    func scheme(_ wanted: String?) throws -> SignatureScheme {
        guard let type = open?.publicKey.type else {
            throw SignerError(.keyAway, "the key \"\(name)\" is not available", hint: "see /readyz; try again later")
        }
        let own = Self.scheme(settings.usage, type)
        guard let wanted else { return own }
        guard let scheme = SignatureScheme(wireName: wanted), type.supports(scheme),
            settings.usage == .raw || scheme == own
        else {
            throw SignerError(
                .request, "the key \"\(name)\" makes no signatures of the scheme \"\(wanted.cut(to: 40))\"",
                hint: "it makes \(own.wireName)")
        }
        return scheme
    }

    /// The scheme that follows from a key.
    private static func scheme(_ usage: SigningUsage, _ type: KeyType) -> SignatureScheme {
        switch (usage, type) {
        case (.notation, _): EnvelopeAlgorithm(type)?.signatureScheme ?? .ed25519
        case (.raw, .ed25519): .ed25519
        case (.raw, .ec(.p256)): .ecdsa(.sha256, .der)
        case (.raw, .ec(.p384)): .ecdsa(.sha384, .der)
        case (.raw, .ec(.p521)): .ecdsa(.sha512, .der)
        case (.raw, .rsa): .rsaPSS(.sha256)
        }
    }
}
