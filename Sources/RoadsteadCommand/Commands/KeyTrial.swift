import Codecs
import Envelopes
import PKI
import SigningKeys
import TUF
import TrustModel

/// One signature of a key over something random, and what the key is good for.
struct KeyTrial {
    let json: JSON

    init(_ name: KeyName, _ backends: KeyBackends) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let key = try await backends.open(name)
        let opened = clock.now
        let type = key.signer.publicKey.type
        let schemes = Self.schemes(type)
        let scheme = schemes.first { (try? key.signer.check($0)) != nil } ?? schemes[0]
        _ = try await verifiedSignature(by: AnySigner(key.signer), over: KeyChallenge.fresh(), scheme: scheme)
        let signed = clock.now
        json = .object(
            JSONObject([
                ("key", .string(key.name.text)), ("type", .string(type.description)),
                ("signed", .string("\(scheme), verified")),
                ("openMilliseconds", .integer(Self.milliseconds(opened - start))),
                ("signMilliseconds", .integer(Self.milliseconds(signed - opened))),
                ("notation", .string(Self.notation(key))), ("fleets", .string(Self.fleets(key.signer.publicKey))),
            ]))
    }

    /// What a key may be used for, the usual first; some places tie a key to one hash.
    private static func schemes(_ type: KeyType) -> [SignatureScheme] {
        let hashes = [HashAlgorithm.sha256, .sha384, .sha512]
        let other: [SignatureScheme] = if case .rsa = type { hashes.map { .rsaPSS($0) } } else { [] }
        return (EnvelopeAlgorithm(type).map { [$0.signatureScheme] } ?? []) + [type.certificateScheme] + other
    }

    private static func notation(_ key: OpenedKey) -> String {
        let algorithm: EnvelopeAlgorithm
        do throws(KeyError) { algorithm = try EnvelopeAlgorithm(usableBy: key.signer) } catch {
            return "no: \(error.reason)" + (error.hint.map { "; \($0)" } ?? "")
        }
        guard let first = key.certificates.first else {
            return "\(algorithm.rawValue), with --certificate-chain: no certificates lie beside the key"
        }
        guard let leaf = try? Certificate(der: first), leaf.publicKey == key.signer.publicKey else {
            return "\(algorithm.rawValue), with --certificate-chain: the certificate beside the key is that of another"
        }
        return "\(algorithm.rawValue), as \(leaf.subjectText) until \(leaf.notAfter)"
    }

    private static func fleets(_ key: PublicKey) -> String {
        do throws(TUFError) { return "yes, as key \(try Key(key).id.text)" } catch { return "no: \(error.reason)" }
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000
    }
}

extension Reach {
    /// A key in a file that is taken over into another place; that no passphrase protects it is what importing ends.
    func keyToImport(
        _ name: KeyName, _ request: KeyRequest, passphraseFile: String?
    ) async throws -> (key: PrivateKey, certificates: [[UInt8]]) {
        guard KeyScheme.inFiles.contains(name.scheme) else {
            throw CommandError(
                .usage, "only keys in files can be imported, not \(name)", hint: "file:PATH or pkcs12:PATH")
        }
        var own = request
        if let passphraseFile { own.passphrase = .file(passphraseFile) }
        let source: any KeyBackend =
            name.scheme == .file ? FileKeys(own, SigningPolicy(allowsPlaintext: true)) : PKCS12Keys(own)
        let opened = try await source.open(name)
        guard let key = opened.signer as? PrivateKey else {
            throw CommandError(.environment, "the key \(name) does not leave its place")
        }
        return (key, opened.certificates)
    }
}

extension Optional {
    /// `map` with a body that waits.
    func asyncMap<Value>(_ body: (Wrapped) async throws -> Value) async rethrows -> Value? {
        guard let self else { return nil }
        return try await body(self)
    }
}
