package import Codecs
import Envelopes
package import OCI
import PKI

/// What became of one signature.
package struct SignatureVerdict: Sendable {
    /// The manifest that carries the signature; nil for an envelope on its own.
    package var manifest: Digest?
    package var findings: [Finding] = []
    /// Subjects of the chain, the signer first; empty when the envelope did not verify.
    package var chain: [String] = []
    /// SHA-256 of the signer's certificate.
    package var signerThumbprint: String?
    package var signingScheme: String?
    package var algorithm: String?
    package var signingTime: UTCDate?
    package var expiry: UTCDate?
    /// The verified time of a timestamp on the signature, and the subject of who made it.
    package var timestamp: UTCDate?
    package var timestampAuthority: String?
    package var metadata: [String: String] = [:]
    /// The store that vouches for the chain, and the SHA-256 of the anchor in it.
    package var store: NamedStore?
    package var anchor: String?

    package init() {}

    /// Whether nothing speaks against it that counts.
    package var isAccepted: Bool { !findings.contains { $0.weight == .rejects } }

    mutating func describe(_ envelope: VerifiedEnvelope) {
        chain = envelope.chain.certificates.map(\.subjectText)
        signerThumbprint = envelope.leaf.sha256
        signingScheme = envelope.attributes.scheme.rawValue
        algorithm = envelope.algorithm.rawValue
        signingTime = envelope.attributes.signingTime ?? envelope.attributes.authenticSigningTime
        expiry = envelope.attributes.expiry
        metadata = envelope.artifact.annotations
    }

    mutating func describe(_ verified: VerifiedTimestamp?) {
        timestamp = verified?.time
        timestampAuthority = verified?.chain.leaf.subjectText
    }

    package var json: JSON {
        var object = JSONObject([("accepted", .bool(isAccepted))])
        object["manifest"] = manifest.map { .string($0.description) }
        object["signer"] = chain.first.map { .string($0) }
        object["signerThumbprint"] = signerThumbprint.map { .string($0) }
        object["chain"] = chain.isEmpty ? nil : .array(chain.map(JSON.string))
        object["trustStore"] = store.map { .string($0.description) }
        object["anchor"] = anchor.map { .string($0) }
        object["signingScheme"] = signingScheme.map { .string($0) }
        object["algorithm"] = algorithm.map { .string($0) }
        object["signingTime"] = signingTime.map { .string($0.description) }
        object["expiry"] = expiry.map { .string($0.description) }
        object["timestamp"] = timestamp.map { .string($0.description) }
        object["timestampAuthority"] = timestampAuthority.map { .string($0) }
        let members = metadata.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) }
        object["metadata"] = members.isEmpty ? nil : .object(JSONObject(members))
        object["findings"] = .array(findings.map(\.json))
        return .object(object)
    }
}
