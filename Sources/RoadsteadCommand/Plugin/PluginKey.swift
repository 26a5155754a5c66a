import Codecs
import Files
import PKI
import SigningKeys

/// The key that a request means: its URI itself, or a name from the user's own file of keys.
struct PluginKey {
    let name: KeyName
    let request: KeyRequest
    /// A file with the chain; nil where the certificates lie beside the key.
    private let chainFile: String?

    init(_ request: PluginRequest, _ console: Console) throws {
        let id = try request.text("keyId")
        let named = try KeyNames(console)?.key(id)
        guard let uri = named?.key ?? (id.contains(":") ? id : nil) else {
            throw PluginError(
                .validation,
                "\"\(id.prefix(120))\" is neither a key's URI nor a name in \(KeyNames.path(console) ?? "keys.json")",
                hint: "notation key add NAME --plugin roadstead --id URI")
        }
        name = try KeyName(uri)
        let config = request.config
        chainFile = config[.certificateChain] ?? named?.certificateChain
        let passphrase =
            config[.passphraseFile] ?? named?.passphraseFile ?? console.environment("ROADSTEAD_PASSPHRASE_FILE")
        let pin = config[.pinFile] ?? named?.pinFile ?? console.environment("ROADSTEAD_PIN_FILE")
        self.request = KeyRequest(
            passphrase: passphrase.map { .file($0) } ?? .terminal, pin: pin.map { .file($0) } ?? .terminal,
            module: config[.module] ?? named?.module ?? console.environment("ROADSTEAD_PKCS11_MODULE"),
            allowsPlaintext: config.has(.allowPlaintext), console: console)
    }

    /// The chain for a key that was opened, which must begin with the key's own certificate.
    func chain(of key: OpenedKey) throws -> [Certificate] {
        let chain = try chainFile.map(CertificateFile.chain) ?? key.certificates.map { try Certificate(der: $0) }
        guard !chain.isEmpty else {
            throw PluginError(
                .validation, "no certificates lie beside the key \(name)",
                hint: "--plugin-config certificate-chain=FILE names the chain in PEM, leaf first")
        }
        do { try CertificateFile.check(chain.map(\.der), areOf: key.signer.publicKey) } catch {
            throw PluginError(.validation, error.reason, hint: error.hint)
        }
        return chain
    }
}

/// `keys.json` of this user: `{"keys":{"team":{"key":"pkcs11:…","certificateChain":"team.pem","pinFile":"pin"}}}`.
struct KeyNames {
    struct Entry {
        let key: String
        let certificateChain: String?
        let passphraseFile: String?
        let pinFile: String?
        let module: String?
    }

    private let keys: [String: Entry]

    /// Where the file lies: in the configuration directory of this user's programs.
    static func path(_ console: Console) -> String? {
        if let own = console.environment("ROADSTEAD_CONFIG_HOME"), !own.isEmpty { return own + "/keys.json" }
        if let base = console.environment("XDG_CONFIG_HOME"), base.hasPrefix("/") {
            return base + "/roadstead/keys.json"
        }
        return console.environment("HOME").map { $0 + "/.config/roadstead/keys.json" }
    }

    /// Reads the file; nil where there is none.
    init?(_ console: Console) throws {
        guard let path = Self.path(console) else { return nil }
        let bytes: [UInt8]
        do throws(FileError) { bytes = try Files.readTrusted(path, limit: 1 << 20) } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
        do { try self.init(parsing: bytes) } catch let error as CodecError {
            throw PluginError(.generic, "\(path) is malformed: \(error.reason)", hint: error.hint)
        }
    }

    init(parsing bytes: [UInt8]) throws {
        let object = try JSON(parsing: bytes).object("the file")
        try Self.refuseUnknown(object, ["keys"])
        var keys: [String: Entry] = [:]
        for (name, value) in try object.object("keys", in: "the file").members {
            let entry = try value.object("key \(name.prefix(60))")
            try Self.refuseUnknown(entry, ["key", "certificateChain", "passphraseFile", "pinFile", "pkcs11Module"])
            func text(_ member: String) throws -> String? { try entry[member]?.string("\(name.prefix(60)).\(member)") }
            keys[name] = Entry(
                key: try entry.string("key", in: "key \(name.prefix(60))"),
                certificateChain: try text("certificateChain"),
                passphraseFile: try text("passphraseFile"), pinFile: try text("pinFile"),
                module: try text("pkcs11Module"))
        }
        self.keys = keys
    }

    func key(_ name: String) -> Entry? { keys[name] }

    private static func refuseUnknown(_ object: JSONObject, _ known: [String]) throws(CodecError) {
        if let name = object.names.first(where: { !known.contains($0) }) {
            throw CodecError(.unknownMember, "the member \"\(name.prefix(60))\" is not known")
        }
    }
}
