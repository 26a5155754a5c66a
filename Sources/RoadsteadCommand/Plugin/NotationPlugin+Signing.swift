import Codecs
import Envelopes
import PKI
import SigningKeys

extension NotationPlugin {
    /// `describe-key`: refuses here, before anything is to be signed, what could never sign.
    static func describe(_ request: PluginRequest, _ key: PluginKey, _ reach: Reach) async throws -> JSONObject {
        let opened = try await reach.backends(key.request).open(key.name)
        let algorithm = try EnvelopeAlgorithm(usableBy: opened.signer)
        return JSONObject([
            ("keyId", .string(try request.text("keyId"))), ("keySpec", .string(algorithm.keySpec)),
        ])
    }

    /// `generate-signature`: over the bytes that notation put together.
    static func sign(_ request: PluginRequest, _ key: PluginKey, _ reach: Reach) async throws -> JSONObject {
        let wanted = try request.text("keySpec")
        guard let spec = EnvelopeAlgorithm.allCases.first(where: { $0.keySpec == wanted }) else {
            throw PluginError(.validation, "the key specification \"\(wanted.prefix(40))\" is not known")
        }
        let hash = try request.text("hashAlgorithm")
        guard hash == spec.pluginHash else {
            throw PluginError(
                .validation, "keys of \(spec.keySpec) sign with \(spec.pluginHash), not with \"\(hash.prefix(40))\"")
        }
        let payload = try request.bytes("payload")
        let opened = try await reach.backends(key.request).open(key.name)
        let algorithm = try EnvelopeAlgorithm(usableBy: opened.signer)
        guard algorithm == spec else {
            throw PluginError(.validation, "the key is of \(algorithm.keySpec), not of \(spec.keySpec)")
        }
        let chain = try key.chain(of: opened)
        let signature = try await verifiedSignature(
            by: AnySigner(opened.signer), over: payload, scheme: algorithm.signatureScheme)
        return JSONObject([
            ("keyId", .string(try request.text("keyId"))), ("signature", .string(Base64.encode(signature))),
            ("signingAlgorithm", .string(algorithm.pluginSigningAlgorithm)),
            ("certificateChain", .array(chain.map { .string(Base64.encode($0.der)) })),
        ])
    }

    /// `generate-envelope`: only where the user asked for it, since notation takes such envelopes as they are.
    static func envelope(
        _ request: PluginRequest, _ key: PluginKey, _ reach: Reach, _ console: Console
    ) async throws -> JSONObject {
        guard request.config.signsEnvelopes else {
            throw PluginError(
                .validation, "envelopes are not made here unless that is asked for",
                hint: "--plugin-config envelope=true, or ROADSTEAD_PLUGIN_ENVELOPE=1")
        }
        let payloadType = try request.text("payloadType")
        guard payloadType == TargetArtifact.contentType else {
            throw PluginError(.validation, "payloads of type \"\(payloadType.prefix(80))\" are not signed")
        }
        let mediaType = try request.text("signatureEnvelopeType")
        guard let format = EnvelopeFormat(mediaType: mediaType) else {
            throw PluginError(.validation, "envelopes of type \"\(mediaType.prefix(80))\" are not made")
        }
        let target: TargetArtifact
        let payload = try request.bytes("payload")
        do throws(EnvelopeError) { target = try TargetArtifact(payload: payload) } catch {
            throw PluginError(.validation, error.reason)
        }
        let expiry = try request.expirySeconds().map { console.now.adding(seconds: $0) }
        let opened = try await reach.backends(key.request).open(key.name)
        let envelope = try await EnvelopeWriter(format: format, signingAgent: "roadstead/\(VersionCommand.version)")
            .sign(
                target, chain: try key.chain(of: opened), signer: AnySigner(opened.signer), at: console.now,
                expiry: expiry)
        return JSONObject([
            ("signatureEnvelope", .string(Base64.encode(envelope))), ("signatureEnvelopeType", .string(mediaType)),
        ])
    }
}
