/// A Notation `trustpolicy.blob.json`: which signatures count for files that lie in no registry.
/// [Notary trust-store-trust-policy, "Blob Trust Policy"]
package struct NotationBlobPolicy: Sendable {
    package let statements: [NotationPolicy.Statement]

    /// Reads a document as Notation does: the first JSON value, members that are not known left alone.
    package init(parsing bytes: [UInt8]) throws(TrustModelError) {
        statements = try NotationPolicy.statements(of: bytes, for: .blobs)
        try NotationPolicy.checkNames(statements)
        guard statements.filter(\.isGlobal).count <= 1 else {
            throw TrustModelError(
                .policy, "two trust policy statements are global", hint: "only one may have globalPolicy: true")
        }
    }

    /// The statement with a name, or where none is asked for the global one; nil where there is none.
    package func statement(named name: String?) -> NotationPolicy.Statement? {
        guard let name else { return statements.first(where: \.isGlobal) }
        return statements.first { $0.name == name }
    }
}
