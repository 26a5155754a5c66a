import Codecs
package import PKI

/// A named trust store as a verification uses it.
package struct TrustStore: Sendable {
    /// A certificate to which a chain may lead, and what limits it.
    package struct Anchor: Sendable {
        package let certificate: Certificate
        package let constraint: TeamPolicy.AnchorConstraint?

        package init(_ certificate: Certificate, constraint: TeamPolicy.AnchorConstraint? = nil) {
            self.certificate = certificate
            self.constraint = constraint
        }
    }

    package let store: NamedStore
    package let anchors: [Anchor]
    /// Why nothing of the store can be used; nil when it can.
    package let problem: String?

    /// A store whose anchors have been read.
    ///
    /// One certificate that cannot be an anchor makes the whole store unusable: it holds something that nobody meant.
    /// [Notary trust-store-trust-policy, "Trust Store"]
    package init(_ store: NamedStore, anchors: [Anchor]) {
        self.store = store
        let unfit = anchors.first { !Self.isFit($0.certificate, for: store.kind) }
        problem = unfit.map {
            "it holds the certificate \"\($0.certificate.subjectText)\", "
                + (store.kind == .tsa ? "which is not a self-signed CA" : "which is neither a CA nor self-signed")
        }
        self.anchors = problem == nil ? anchors : []
    }

    /// A store that could not be read.
    package init(_ store: NamedStore, problem: String) {
        self.store = store
        anchors = []
        self.problem = problem
    }

    private static func isFit(_ certificate: Certificate, for kind: TrustStoreKind) -> Bool {
        switch kind {
        case .ca, .signingAuthority: certificate.isCA || certificate.isSelfSigned
        case .tsa: certificate.isCA && certificate.isSelfSigned
        }
    }
}
