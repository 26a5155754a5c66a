import Codecs
import Envelopes
import SigningKeys

/// The commands of the protocol that this plugin has.
enum PluginCommand: String, Sendable, CaseIterable {
    case metadata = "get-plugin-metadata"
    case describe = "describe-key"
    case signature = "generate-signature"
    case envelope = "generate-envelope"

    fileprivate var required: [String] {
        switch self {
        case .metadata: []
        case .describe: ["keyId"]
        case .signature: ["keyId", "keySpec", "hashAlgorithm", "payload"]
        case .envelope: ["keyId", "payloadType", "signatureEnvelopeType", "payload"]
        }
    }
}

/// One request of the protocol. Members that later versions of the contract may add are left alone.
struct PluginRequest {
    let config: PluginConfig
    private let object: JSONObject

    init(_ bytes: [UInt8], _ command: PluginCommand) throws {
        let limits = JSONLimits(bytes: NotationPlugin.maximumRequestBytes)
        object = try JSON(parsing: bytes, limits: limits).object("the request")
        var texts: [String: String] = [:]
        if let given = object["pluginConfig"], given != .null {
            for (name, value) in try given.object("pluginConfig").members {
                texts[name] = try value.string("pluginConfig.\(name.prefix(60))")
            }
        }
        if command != .metadata { try Self.check(object, command) }
        config = try PluginConfig(texts)
    }

    private static func check(_ object: JSONObject, _ command: PluginCommand) throws {
        let version = try object.string("contractVersion", in: "the request")
        guard version == NotationPlugin.contractVersion else {
            throw PluginError(
                .contractVersion,
                "this plugin speaks version \(NotationPlugin.contractVersion) of the contract, not \"\(version.prefix(20))\""
            )
        }
        for name in command.required where try object.string(name, in: "the request").isEmpty {
            throw PluginError(.validation, "the member \"\(name)\" of the request is empty")
        }
    }

    /// A member that the command requires.
    func text(_ name: String) throws(CodecError) -> String { try object.string(name, in: "the request") }

    /// Bytes, which travel as standard Base64.
    func bytes(_ name: String) throws -> [UInt8] {
        do throws(CodecError) { return try Base64.decode(Array(try text(name).utf8)) } catch {
            throw PluginError(.validation, "the member \"\(name)\" is not Base64: \(error.reason)")
        }
    }

    /// After how many seconds the signature expires; absent and 0 are never.
    func expirySeconds() throws -> Int64? {
        guard let value = object["expiryDurationInSeconds"], value != .null else { return nil }
        let seconds = try value.integer("expiryDurationInSeconds")
        guard (0...100 * 366 * 86_400).contains(seconds) else {
            throw PluginError(.validation, "the signature would expire after \(seconds) seconds")
        }
        return seconds == 0 ? nil : seconds
    }
}

/// What the user of notation configured for the plugin; words that are not known are refused, since they are mistakes.
struct PluginConfig {
    enum Name: String, CaseIterable {
        case certificateChain = "certificate-chain"
        case passphraseFile = "passphrase-file"
        case pinFile = "pin-file"
        case module = "pkcs11-module"
        case allowPlaintext = "allow-plaintext-key"
        case envelope
    }

    private let values: [Name: String]

    init(_ texts: [String: String]) throws(PluginError) {
        var values: [Name: String] = [:]
        for (text, value) in texts {
            guard let name = Name(rawValue: text) else {
                let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
                throw PluginError(.validation, "pluginConfig \"\(text.prefix(60))\" is not known; known are \(known)")
            }
            guard !value.isEmpty else { throw PluginError(.validation, "pluginConfig \"\(text)\" is empty") }
            values[name] = value
        }
        self.values = values
        for name in [Name.allowPlaintext, .envelope] {
            guard ["true", "false", nil].contains(values[name]) else {
                throw PluginError(.validation, "pluginConfig \"\(name.rawValue)\" is neither true nor false")
            }
        }
    }

    subscript(name: Name) -> String? { values[name] }

    func has(_ name: Name) -> Bool { values[name] == "true" }

    /// Whether envelopes are made here, which notation then takes as they are.
    var signsEnvelopes: Bool {
        has(.envelope) || values[.envelope] == nil && Console.current.environment("ROADSTEAD_PLUGIN_ENVELOPE") == "1"
    }
}

/// The words of the protocol for an algorithm.
extension EnvelopeAlgorithm {
    var keySpec: String {
        switch keyType {
        case .rsa(let bits): "RSA-\(bits)"
        case .ec(.p256): "EC-256"
        case .ec(.p384): "EC-384"
        case .ec(.p521): "EC-521"
        case .ed25519: ""
        }
    }

    var pluginHash: String {
        switch self {
        case .ps256, .es256: "SHA-256"
        case .ps384, .es384: "SHA-384"
        case .ps512, .es512: "SHA-512"
        }
    }

    var pluginSigningAlgorithm: String {
        switch keyType {
        case .rsa: "RSASSA-PSS-\(pluginHash)"
        case .ec, .ed25519: "ECDSA-\(pluginHash)"
        }
    }
}
