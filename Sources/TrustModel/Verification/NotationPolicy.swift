import Codecs
import OCI

/// A Notation `trustpolicy.json`: which signatures count for which repositories.
/// [Notary trust-store-trust-policy, "Trust Policy"]
///
/// A document with one bad statement is refused whole, since every verification on the host depends on it.
package struct NotationPolicy: Sendable {
    /// More statements than any host needs; a cap against hostile documents.
    package static let maximumStatements = 10_000

    package let statements: [Statement]

    /// Reads a document as Notation does: the first JSON value, members that are not known left alone.
    package init(parsing bytes: [UInt8]) throws(TrustModelError) {
        try self.init(statements: try Self.statements(of: bytes, for: .images))
    }

    /// What the statements of a document are for.
    enum Subject { case images, blobs }

    static func statements(of bytes: [UInt8], for subject: Subject) throws(TrustModelError) -> [Statement] {
        let statements: [JSON]
        do throws(CodecError) {
            let object = try JSON(parsingFirstValueOf: bytes).object("the trust policy")
            let version = try object.string("version", in: "the trust policy")
            guard version == "1.0" else {
                throw CodecError(.value, "the trust policy has version \"\(version.prefix(20))\", only 1.0 is known")
            }
            statements = try object.array("trustPolicies", in: "the trust policy")
        } catch {
            throw TrustModelError(.policy, error.reason, hint: error.hint)
        }
        guard statements.count <= Self.maximumStatements else {
            throw TrustModelError(.policy, "the trust policy has more than \(Self.maximumStatements) statements")
        }
        var parsed: [Statement] = []
        for (index, statement) in statements.enumerated() {
            parsed.append(try Statement(statement, index: index, for: subject))
        }
        return parsed
    }

    /// There are statements, each under a name of its own.
    static func checkNames(_ statements: [Statement]) throws(TrustModelError) {
        guard !statements.isEmpty else {
            throw TrustModelError(
                .policy, "the trust policy has no statement, so nothing can be verified",
                hint: "add a statement to trustPolicies")
        }
        var names: Set<String> = []
        for statement in statements {
            guard names.insert(statement.name).inserted else {
                throw TrustModelError(.policy, "two trust policy statements have the name \"\(statement.name)\"")
            }
        }
    }

    /// Puts statements together and checks what concerns more than one of them.
    package init(statements: [Statement]) throws(TrustModelError) {
        try Self.checkNames(statements)
        var scopes: [String: String] = [:]
        for statement in statements {
            for scope in statement.registryScopes {
                if let other = scopes.updateValue(statement.name, forKey: scope) {
                    throw TrustModelError(
                        .policy,
                        "registry scope \"\(scope)\" stands in the statements \"\(other)\" and \"\(statement.name)\"",
                        hint: "every scope belongs to one statement")
                }
            }
        }
        self.statements = statements
    }

    /// The statement for a repository: an exact scope beats `*`; nil where neither is there.
    package func statement(for repository: String) -> Statement? {
        statements.first { $0.registryScopes.contains(repository) }
            ?? statements.first { $0.registryScopes == ["*"] }
    }
}
