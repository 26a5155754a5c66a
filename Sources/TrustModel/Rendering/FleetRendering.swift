package import Codecs
import PKI

/// A fleet's content as its hosts would have it: merged and rendered by the code that hosts merge and render with.
package struct FleetRendering: Sendable {
    package let content: FleetContent
    package let settings: FleetSettings
    package let outcome: TrustMerge.Outcome
    package let notation: NotationTree

    package init(_ content: FleetContent, now: UTCDate) throws {
        self.content = content
        settings = content.settings
        outcome = try content.merged(now: now)
        notation = NotationTree(outcome.trust, inexpressible: settings.inexpressible, now: now)
    }

    /// What hosts would warn of.
    var warnings: [TrustWarning] { outcome.warnings + notation.warnings }

    /// Every anchor with its certificate, by store.
    var anchors: [TrustStoreID: [Certificate]] {
        Dictionary(
            outcome.trust.stores.map { store in
                (
                    store.id,
                    store.anchors.compactMap { text in
                        (try? Base64.decode(text)).flatMap { try? Certificate(der: $0) }
                    }
                )
            }, uniquingKeysWith: { first, _ in first })
    }
}
