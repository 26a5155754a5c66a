import Codecs
import Envelopes
import Files
import OCI
import PKI
import SigningKeys
import TrustModel

/// `roadstead inspect`: shows signatures and certificates without judging them.
enum InspectCommand {
    static let command = Command(
        "inspect", "show an artifact's signatures, or the certificates in a file", operand: "[FILE]",
        options: [
            .value("oci-layout", "DIR@DIGEST", "show the signatures of an artifact in an OCI image layout"),
            Output.option,
        ],
        discussion: "Nothing that is shown has been verified against a trust policy; roadstead verify does that.",
        examples: ["roadstead inspect --oci-layout image@sha256:…", "roadstead inspect chain.pem"], run: run)

    private static func run(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output: Output = try invocation.choice("output", default: .text)
        let result: JSON
        if let layout = invocation["oci-layout"] {
            guard invocation.operands.isEmpty else {
                throw CommandError(.usage, "--oci-layout and a file exclude each other")
            }
            result = try signatures(LayoutArtifact(layout))
        } else {
            let file = try invocation.operand("file or --oci-layout DIR@DIGEST")
            let certificates = try CertificateFile.certificates(in: try Files.read(file, limit: 8 << 20), file: file)
            result = .array(certificates.map(describe))
        }
        console.printText(output == .json ? result.text + "\n" : result.prettyText)
        return .success
    }

    private static func signatures(_ artifact: LayoutArtifact) throws -> JSON {
        let signatures = try artifact.layout.signatures(of: artifact.descriptor).map { signature -> JSON in
            var object = JSONObject([("manifest", .string(signature.descriptor.digest.description))])
            do {
                let layer = try signature.envelope
                object["mediaType"] = .string(layer.mediaType)
                guard let format = EnvelopeFormat(mediaType: layer.mediaType) else {
                    object["problem"] = "this is not the media type of an envelope"
                    return .object(object)
                }
                let bytes = try artifact.layout.envelope(of: signature)
                describe(try UnverifiedEnvelope(parsing: bytes, format: format), &object)
            } catch {
                object["problem"] = .string("\(error)")
            }
            return .object(object)
        }
        return .object(JSONObject([("artifact", artifact.descriptor.json), ("signatures", .array(signatures))]))
    }

    private static func describe(_ envelope: UnverifiedEnvelope, _ object: inout JSONObject) {
        object["algorithm"] = .string(envelope.algorithm.rawValue)
        object["signingScheme"] = .string(envelope.attributes.scheme.rawValue)
        object["signingTime"] = (envelope.attributes.signingTime ?? envelope.attributes.authenticSigningTime)
            .map { .string($0.description) }
        object["expiry"] = envelope.attributes.expiry.map { .string($0.description) }
        object["signingAgent"] = envelope.signingAgent.map { .string($0) }
        object["timestamped"] = .bool(envelope.timestampSignature != nil)
        object["timestamp"] = envelope.timestampSignature.map(describe(timestamp:))
        object["payload"] = (try? JSON(parsing: envelope.payload)) ?? "the payload is not JSON"
        object["certificates"] = .array(
            envelope.certificates.map { der in
                (try? Certificate(der: der)).map(describe) ?? "not a certificate"
            })
        object["problem"] = Result { try envelope.verified() }.failure.map { .string("\($0)") }
    }

    /// What a token says of itself.
    private static func describe(timestamp token: [UInt8]) -> JSON {
        do throws(PKIError) {
            let timestamp = try UnverifiedTimestamp(der: token)
            let info = timestamp.info
            return .object(
                JSONObject([
                    ("time", .string(info.time.description)), ("earliest", .string(info.earliest.description)),
                    ("latest", .string(info.latest.description)), ("policy", .string(info.policy)),
                    ("hash", .string(info.hash.rawValue)), ("serialNumber", .string(info.serialNumber.description)),
                    ("certificates", .array(timestamp.certificates.map(describe))),
                ]))
        } catch {
            return .object(JSONObject([("problem", .string(error.reason))]))
        }
    }

    private static func describe(_ certificate: Certificate) -> JSON {
        .object(
            JSONObject([
                ("subject", .string(certificate.subjectText)), ("issuer", .string(certificate.issuer.shortDescription)),
                ("serialNumber", .string(certificate.serialText)),
                ("notBefore", .string(certificate.notBefore.description)),
                ("notAfter", .string(certificate.notAfter.description)),
                ("key", .string(certificate.publicKey?.type.description ?? "not supported")),
                ("keySHA256", certificate.publicKey.map { .string(Hex.encode($0.fingerprint)) } ?? .null),
                ("sha256", .string(certificate.sha256)),
                ("certificateAuthority", .bool(certificate.isCA)),
                ("namesRevocationAddress", .bool(certificate.namesRevocationAddress)),
            ]))
    }
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let failure) = self { failure } else { nil } }
}
