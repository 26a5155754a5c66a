import Codecs
import Envelopes
import Foundation
import OCI
import PKI
import RegistryClient

/// A chain that signed an image, with a signature that holds; whether its signer is to be trusted is what is asked.
struct FoundChain: Sendable {
    let leaf: Certificate
    let root: Certificate
}

/// Reads who signed an image, off its real signatures.
enum SignedImage {
    /// From a registry, with the credentials of Docker's configuration file.
    static func chains(ofImage text: String, plainHTTP: Bool) async throws -> [FoundChain] {
        let reference = try Reference(text)
        let credentials = try RegistryCredentials(file: credentialsFile)
        return try await Registry.with(
            reference.registry, credentials: credentials, plainHTTP: plainHTTP
        ) { registry in
            let artifact = try await registry.resolve(reference)
            var envelopes: [(mediaType: String, bytes: [UInt8])] = []
            for signature in try await registry.signatures(of: artifact, in: reference.repository) {
                let bytes = try await registry.envelope(of: signature, in: reference.repository)
                envelopes.append((try signature.envelope.mediaType, bytes))
            }
            return try chains(in: envelopes, of: artifact.digest, text)
        }
    }

    /// From an OCI image layout, written `DIR@sha256:…`.
    static func chains(ofLayout text: String) throws -> [FoundChain] {
        guard let at = text.lastIndex(of: "@"), at != text.startIndex else {
            throw RemoteError(
                .usage, "\"\(text.prefix(200))\" does not name an artifact in a layout", hint: "write DIR@sha256:…")
        }
        let layout = try Layout(LayoutFiles(String(text[..<at])))
        let artifact = try layout.resolve(try Digest(String(text[text.index(after: at)...])))
        let signatures = try layout.signatures(of: artifact, limit: Registry.maximumSignatures)
        let envelopes = try signatures.map {
            (mediaType: try $0.envelope.mediaType, bytes: try layout.envelope(of: $0))
        }
        return try chains(in: envelopes, of: artifact.digest, text)
    }

    /// The chains of those signatures that hold and speak of this artifact, one for each root.
    private static func chains(
        in envelopes: [(mediaType: String, bytes: [UInt8])], of digest: Digest, _ image: String
    ) throws -> [FoundChain] {
        var found: [FoundChain] = []
        var reasons: [String] = []
        for (mediaType, bytes) in envelopes {
            do {
                guard let format = EnvelopeFormat(mediaType: mediaType) else {
                    throw RegistryError(.unsigned, "\(mediaType) is not the media type of an envelope")
                }
                let envelope = try UnverifiedEnvelope(parsing: bytes, format: format).verified()
                guard envelope.artifact.digest == digest.description else {
                    throw RegistryError(.unsigned, "a signature is of \(envelope.artifact.digest)")
                }
                guard !found.contains(where: { $0.root == envelope.chain.root }) else { continue }
                found.append(FoundChain(leaf: envelope.chain.leaf, root: envelope.chain.root))
            } catch { reasons.append("\(error)") }
        }
        guard !found.isEmpty else {
            throw RegistryError(
                .unsigned,
                "\(image) has no signature that holds" + (reasons.first.map { ": \($0)" } ?? ""),
                hint: "give the vendor's certificate with --certificate")
        }
        return found
    }

    private static var credentialsFile: String {
        let environment = ProcessInfo.processInfo.environment
        return (environment["DOCKER_CONFIG"] ?? "\(environment["HOME"] ?? "")/.docker") + "/config.json"
    }
}
