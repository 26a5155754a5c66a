package import Codecs
package import TrustModel

/// Reads a certificate and says what root rules and people need to know of it, or why it can be no anchor.
package struct AnchorInspector: Sendable {
    /// From DER, the kind of the store, and the present time.
    package let facts: @Sendable ([UInt8], TrustStoreKind, UTCDate) throws -> AnchorFacts

    /// Whether what it reads are certificates, which hosts could render too; otherwise no effect on hosts can be shown.
    let readsCertificates: Bool

    package init(
        readsCertificates: Bool = false,
        facts: @escaping @Sendable ([UInt8], TrustStoreKind, UTCDate) throws -> AnchorFacts
    ) {
        self.readsCertificates = readsCertificates
        self.facts = facts
    }
}
