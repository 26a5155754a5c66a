import Codecs
import TrustModel
import Yams

/// A team's statements as a file has them: a Notation trust policy, or `statements` in our own form, as JSON or YAML.
struct PolicyFile: Sendable {
    let statements: TeamStatements

    /// Largest file that is read.
    static let maximumBytes = 256 << 10

    init(parsing text: String, team: TeamName) throws {
        let object = try Self.document(text).object("the policy file")
        if object["trustPolicies"] != nil {
            statements = try TeamStatements(try Self.notation(object, team: team))
        } else {
            let own: Own = try JSON.object(object).decode(place: "the policy file", unknownMembers: .refused)
            statements = try TeamStatements(own.statements)
        }
    }

    private struct Own: Decodable { let statements: [TeamPolicy.Statement] }

    private static func document(_ text: String) throws -> JSON {
        guard text.utf8.count <= maximumBytes else {
            throw RemoteError(.file, "the policy file is larger than \(maximumBytes) bytes")
        }
        if text.drop(while: \.isWhitespace).first == "{" { return try JSON(parsing: Array(text.utf8)) }
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw RemoteError(.file, "the policy file is empty")
            }
            return try json(node)
        } catch let error as YamlError { throw RemoteError(.file, "the policy file is no YAML: \(error)") }
    }

    /// Scalars are texts: nothing in a policy is anything else. Aliases could make a small file large, so there are none.
    private static func json(_ node: Node) throws -> JSON {
        switch node {
        case .scalar(let scalar): return .string(scalar.string)
        case .sequence(let sequence): return .array(try sequence.map(json))
        case .mapping(let mapping):
            var object = JSONObject([])
            for (key, value) in mapping {
                guard case .scalar(let name) = key, object[name.string] == nil else {
                    throw RemoteError(.file, "the policy file has a key twice, or one that is no text")
                }
                object[name.string] = try json(value)
            }
            return .object(object)
        case .alias: throw RemoteError(.file, "the policy file has a YAML alias", hint: "write the value out")
        }
    }

    // MARK: Notation's form

    private static func notation(_ object: JSONObject, team: TeamName) throws -> [TeamPolicy.Statement] {
        let file: NotationFile = try JSON.object(object).decode(place: "the trust policy")
        guard file.version == "1.0" else {
            throw RemoteError(.file, "the trust policy has version \"\(file.version.prefix(20))\", only 1.0 is known")
        }
        return try file.trustPolicies.map { try $0.statement(of: team) }
    }

    private struct NotationFile: Decodable {
        let version: String
        let trustPolicies: [NotationStatement]
    }

    private struct NotationStatement: Decodable {
        struct Verification: Decodable {
            let level: String
            let override: [String: String]?
            let verifyTimestamp: String?
        }

        let name: String
        let registryScopes: [String]?
        let signatureVerification: Verification
        let trustStores: [String]?
        let trustedIdentities: [String]?

        func statement(of team: TeamName) throws -> TeamPolicy.Statement {
            let scopes = registryScopes ?? []
            guard !scopes.contains("*") else {
                throw RemoteError(
                    .file,
                    "statement \"\(name)\" is for every repository (*), and a team speaks for its own scopes only",
                    hint: "name the scopes; what nobody owns is the fleet's: roadstead fleet policy")
            }
            guard ["", "always"].contains(signatureVerification.verifyTimestamp ?? "") else {
                throw RemoteError(
                    .file, "statement \"\(name)\" says verifyTimestamp, which is not carried over",
                    hint: "leave it out: timestamps are verified always where a tsa store is named")
            }
            return TeamPolicy.Statement(
                name: name, registryScopes: try scopes.map { try RegistryScope($0) },
                level: signatureVerification.level,
                override: signatureVerification.override, stores: try (trustStores ?? []).map { try store($0, team) },
                trustedIdentities: trustedIdentities ?? [])
        }

        /// `ca:prod` and `ca:acme.prod` are both the team's store ca/prod.
        private func store(_ text: String, _ team: TeamName) throws -> TeamPolicy.StoreReference {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let kind = TrustStoreKind(rawValue: parts[0]) else {
                throw RemoteError(
                    .file, "trust store \"\(text.prefix(120))\" does not begin with ca:, signingAuthority: or tsa:")
            }
            let prefix = "\(team)."
            let name = parts[1].hasPrefix(prefix) ? String(parts[1].dropFirst(prefix.count)) : parts[1]
            return TeamPolicy.StoreReference(kind: kind, name: try TrustStoreName(name))
        }
    }
}
