import Codecs
import Envelopes
import OCI
import PKI
import SigningKeys
import TrustModel

/// An artifact's signatures as they are, judged by nobody.
struct ArtifactView: Sendable {
    let shown: String
    let artifact: Descriptor
    let signatures: [SignatureView]
    /// What an index leads to.
    var manifests: [ArtifactView] = []

    /// Signatures of one artifact that are shown.
    static let maximumSignatures = 100

    /// Reads the signatures of an artifact, and of every manifest that it leads to; `note` gets what cannot be read.
    init(_ found: FoundArtifact, note: (String) -> Void) async throws {
        try await self.init(found.descriptor, as: found.shown, in: found.repository)
        guard MediaType.isIndex(artifact.mediaType) else { return }
        do {
            for descriptor in try await ArtifactTree(found).descriptors.dropFirst() {
                manifests.append(
                    try await ArtifactView(descriptor, as: "\(descriptor.digest)", in: found.repository))
            }
        } catch let error as CommandError { note("only the index itself is looked at: \(error.reason)") }
    }

    private init(_ artifact: Descriptor, as shown: String, in repository: any ImageRepository) async throws {
        self.shown = shown
        self.artifact = artifact
        var views: [SignatureView] = []
        for signature in try await repository.signatures(of: artifact, limit: Self.maximumSignatures) {
            views.append(await SignatureView(signature, of: artifact, in: repository))
        }
        signatures = views
    }

    var json: JSON {
        var object = JSONObject([
            ("artifact", artifact.json), ("signatures", .array(signatures.map(\.json))),
        ])
        if !manifests.isEmpty { object["manifests"] = .array(manifests.map(\.json)) }
        return .object(object)
    }
}

/// One signature as it is.
struct SignatureView: Sendable {
    let manifest: Digest
    let mediaType: String?
    let envelope: UnverifiedEnvelope?
    let certificates: [Certificate?]
    /// Why nobody will believe it, whatever the policy.
    let problem: String?

    init(_ signature: SignatureManifest, of artifact: Descriptor, in repository: any ImageRepository) async {
        manifest = signature.descriptor.digest
        mediaType = try? signature.envelope.mediaType
        do {
            guard let format = EnvelopeFormat(mediaType: try signature.envelope.mediaType) else {
                throw EnvelopeError(.malformed, "this is not the media type of an envelope")
            }
            let envelope = try UnverifiedEnvelope(
                parsing: try await repository.envelope(of: signature), format: format)
            self.envelope = envelope
            certificates = envelope.certificates.map { try? Certificate(der: $0) }
            problem = Self.problem(of: envelope, artifact)
        } catch {
            envelope = nil
            certificates = []
            problem = "\(error)"
        }
    }

    private static func problem(of envelope: UnverifiedEnvelope, _ artifact: Descriptor) -> String? {
        do throws(EnvelopeError) {
            let verified = try envelope.verified()
            let digest = artifact.digest.description
            return verified.artifact.digest == digest ? nil : "it speaks of \(verified.artifact.digest.prefix(160))"
        } catch {
            return error.reason
        }
    }

    /// What the signer states of the artifact.
    var metadata: [String: String] {
        envelope.flatMap { try? TargetArtifact(payload: $0.payload) }?.annotations ?? [:]
    }

    var json: JSON {
        var object = JSONObject([("manifest", .string(manifest.description))])
        object["mediaType"] = mediaType.map { .string($0) }
        if let envelope {
            object["algorithm"] = .string(envelope.algorithm.rawValue)
            object["signingScheme"] = .string(envelope.attributes.scheme.rawValue)
            object["signingTime"] = (envelope.attributes.signingTime ?? envelope.attributes.authenticSigningTime)
                .map { .string($0.description) }
            object["expiry"] = envelope.attributes.expiry.map { .string($0.description) }
            object["signingAgent"] = envelope.signingAgent.map { .string($0) }
            object["timestamped"] = .bool(envelope.timestampSignature != nil)
            object["timestamp"] = envelope.timestampSignature.map(Self.json(ofTimestamp:))
            object["payload"] = (try? JSON(parsing: envelope.payload)) ?? "the payload is not JSON"
            object["certificates"] = .array(certificates.map { $0.map(\.summary) ?? "not a certificate" })
        }
        object["problem"] = problem.map { .string($0) }
        return .object(object)
    }

    /// What a token says of itself.
    private static func json(ofTimestamp token: [UInt8]) -> JSON {
        do throws(PKIError) {
            let timestamp = try UnverifiedTimestamp(der: token)
            let info = timestamp.info
            return .object(
                JSONObject([
                    ("time", .string(info.time.description)), ("earliest", .string(info.earliest.description)),
                    ("latest", .string(info.latest.description)), ("policy", .string(info.policy)),
                    ("hash", .string(info.hash.rawValue)), ("serialNumber", .string(info.serialNumber.description)),
                    ("certificates", .array(timestamp.certificates.map(\.summary))),
                ]))
        } catch {
            return .object(JSONObject([("problem", .string(error.reason))]))
        }
    }
}

extension Certificate {
    /// What a person wants to know of a certificate.
    var summary: JSON {
        .object(
            JSONObject([
                ("subject", .string(subjectText)), ("issuer", .string(issuer.shortDescription)),
                ("serialNumber", .string(serialText)), ("notBefore", .string(notBefore.description)),
                ("notAfter", .string(notAfter.description)),
                ("key", .string(publicKey?.type.description ?? "not supported")),
                ("keySHA256", publicKey.map { .string(Hex.encode($0.fingerprint)) } ?? .null),
                ("sha256", .string(sha256)), ("certificateAuthority", .bool(isCA)),
                ("namesRevocationAddress", .bool(namesRevocationAddress)),
            ]))
    }
}
