import Codecs
import Files
import SigningKeys

/// The enterprise's file about keys that sign: `{"allow":["pkcs11"],"keyTypes":["ec-p256"],"plaintextKeys":false}`.
///
/// Where it exists it binds: a file that cannot be read, or that others could have written, stops everything that signs.
/// A file that the environment names can only take more away.
enum SigningPolicyFile {
    static let standardPath = "/etc/roadstead/signing-policy.json"
    static let variable = "ROADSTEAD_SIGNING_POLICY"

    static func policy(for request: KeyRequest) throws -> SigningPolicy {
        let named = request.console.environment(variable).flatMap { $0.isEmpty ? nil : $0 }
        return try policy(for: request, standard: standardPath, named: named)
    }

    /// The policy for a command line; keys in the clear need the command's word and that of every file.
    static func policy(for request: KeyRequest, standard: String, named: String?) throws -> SigningPolicy {
        let enterprise = try read(standard, request, mayBeMissing: named != standard)
        let own = try named.flatMap { $0 == standard ? nil : try read($0, request, mayBeMissing: false) }
        let allowed = SigningPolicy(allowsPlaintext: request.allowsPlaintext)
        return [enterprise, own].compactMap(\.self).reduce(allowed) { $0.narrowed(by: $1) }
    }

    private static func read(_ path: String, _ request: KeyRequest, mayBeMissing: Bool) throws -> SigningPolicy? {
        let bytes: [UInt8]
        do throws(FileError) { bytes = try Files.readTrusted(path, limit: 65_536) } catch {
            if error.code == .notFound, mayBeMissing { return nil }
            throw CommandError(
                .refused, "nothing is signed, since the signing policy cannot be relied on: \(error.reason)",
                hint: error.hint)
        }
        let policy: SigningPolicy
        do { policy = try parse(bytes) } catch let error as CodecError {
            throw CommandError(.refused, "the signing policy \(path) is malformed: \(error.reason)", hint: error.hint)
        }
        guard !request.allowsPlaintext || policy.allowsPlaintext else {
            throw CommandError(
                .refused, "the signing policy \(path) does not allow keys that no passphrase protects",
                hint: "leave --allow-plaintext-key away, and protect the key")
        }
        return policy
    }

    /// What a file leaves out is allowed, but for keys in the clear.
    static func parse(_ bytes: [UInt8]) throws -> SigningPolicy {
        let object = try JSON(parsing: bytes).object("the policy")
        if let unknown = object.names.first(where: { !["allow", "keyTypes", "plaintextKeys"].contains($0) }) {
            throw CodecError(.type, "the member \"\(unknown.prefix(60))\" is not known")
        }
        var schemes = Set(KeyScheme.allCases)
        if let allowed = object["allow"] {
            schemes = Set(try words(allowed, "allow", KeyScheme.allCases.map(\.rawValue)).compactMap(KeyScheme.init))
        }
        let types = try object["keyTypes"].map { value in
            Set(
                try words(value, "keyTypes", KeyTypeName.allCases.map(\.rawValue)).compactMap(KeyTypeName.init).map(
                    \.type))
        }
        return SigningPolicy(
            schemes: schemes, keyTypes: types,
            allowsPlaintext: try object["plaintextKeys"]?.bool("plaintextKeys") ?? false)
    }

    private static func words(_ value: JSON, _ place: String, _ known: [String]) throws -> [String] {
        try value.array(place).map { element in
            let word = try element.string("a word of \(place)")
            guard known.contains(word) else {
                throw CodecError(
                    .type, "\"\(word.prefix(60))\" in \(place) is not known",
                    hint: "one of \(known.joined(separator: ", "))")
            }
            return word
        }
    }
}
