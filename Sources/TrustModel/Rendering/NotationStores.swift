import Codecs

/// The `truststore` directory of a Notation configuration.
struct NotationStores: Sendable {
    private static let root = "truststore/x509"

    private(set) var warnings: [TrustWarning] = []
    /// Anchors by store; a store whose anchors cannot be read is not in it.
    private(set) var anchors: [TrustStoreID: [TrustAnchorFacts]] = [:]
    private var carried: [TrustStoreID: [TrustAnchorFacts]] = [:]
    /// Stores with an anchor whose limits Notation cannot hold.
    private(set) var limited: Set<TrustStoreID> = []

    init(_ trust: HostTrust, now: UTCDate) {
        for store in trust.stores { add(store, now: now) }
    }

    private mutating func add(_ store: HostTrust.Store, now: UTCDate) {
        guard let found = Self.parse(store) else {
            warnings.append(
                TrustWarning(.statement, team: store.id.team, "store \(store.id) cannot be read; its scopes reject"))
            return
        }
        let expired = Set(store.constraints.filter { $0.until.map { $0 <= now } ?? false }.map(\.anchor))
        var fit: [TrustAnchorFacts] = []
        for anchor in found where !expired.contains(anchor.sha256) {
            if let reason = Self.unfit(anchor, for: store.id.kind) {
                warnings.append(
                    TrustWarning(
                        .anchor, team: store.id.team,
                        "anchor \(anchor.sha256) of store \(store.id) is left out for Notation: \(reason)"))
            } else {
                fit.append(anchor)
            }
        }
        let held = Set(fit.map(\.sha256))
        let isLimited = store.constraints.contains {
            held.contains($0.anchor) && ($0.distrustAfter != nil || $0.subordinates != nil)
        }
        if isLimited { limited.insert(store.id) }
        anchors[store.id] = fit
    }

    /// The stores that a statement refers to, less those that are empty beside one of the same kind that is not.
    ///
    /// Notation rejects every signature of a statement with one empty store. The evaluator takes what the other stores
    /// hold, and so must Notation, or an emptied staging store stops production. Kinds are held apart, since an
    /// empty store that is the last of its kind says that nothing of that kind is trusted.
    func needed(by statement: HostTrust.Statement) -> [TrustStoreID] {
        let filled = statement.stores.filter { !(anchors[$0] ?? []).isEmpty }
        let kinds = Set(filled.map(\.kind))
        return statement.stores.filter { filled.contains($0) || !kinds.contains($0.kind) }
    }

    /// Adds the stores of the generation before that are gone now.
    mutating func carry(from previous: HostTrust, denials: [DenyDocument.Denial]) {
        for store in previous.stores where anchors[store.id] == nil {
            guard let found = Self.parse(store) else { continue }
            let subjects = denials.filter { $0.team == nil || $0.team == store.id.team }.compactMap(\.subject)
            carried[store.id] = found.filter { anchor in
                Self.unfit(anchor, for: store.id.kind) == nil && !subjects.contains(where: anchor.isDenied)
            }
        }
    }

    var directories: [String] {
        let kinds = Set(all.keys.map(\.kind)).union([.ca]).sorted().map { "\(Self.root)/\($0.rawValue)" }
        let rejecting = "\(Self.root)/\(TrustStoreKind.ca.rawValue)/\(NotationTree.rejectingStore)"
        return ["truststore", Self.root] + kinds + ([rejecting] + all.keys.map(Self.directory)).sorted()
    }

    var files: [NotationTree.File] {
        all.flatMap { store, anchors in
            anchors.map { anchor in
                NotationTree.File(
                    path: "\(Self.directory(of: store))/\(anchor.sha256).pem",
                    bytes: Array(PEMBlock(label: "CERTIFICATE", bytes: anchor.der).text.utf8))
            }
        }
    }

    private var all: [TrustStoreID: [TrustAnchorFacts]] { anchors.merging(carried) { current, _ in current } }

    private static func directory(of store: TrustStoreID) -> String {
        "\(root)/\(store.kind.rawValue)/\(store.notationName)"
    }

    private static func parse(_ store: HostTrust.Store) -> [TrustAnchorFacts]? {
        try? store.anchors.map { try TrustAnchorFacts(der: try Base64.decode($0)) }
    }

    /// Why Notation would refuse the whole store for this anchor. [Notary trust-store-trust-policy, "Trust Store"]
    private static func unfit(_ anchor: TrustAnchorFacts, for kind: TrustStoreKind) -> String? {
        switch kind {
        case .ca, .signingAuthority:
            anchor.isCA || anchor.isSelfSigned ? nil : "it is neither a CA certificate nor self-signed"
        case .tsa: anchor.isCA && anchor.isSelfSigned ? nil : "a tsa store takes self-signed CA certificates only"
        }
    }
}
