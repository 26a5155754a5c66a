package import Codecs

/// One numbered state of a team's anchors, as it is kept for the fleets that take it: stores, and the digests of what is
/// in them. The certificates are kept with the anchors.
package struct TeamContentDocument: Codable, Sendable, Equatable {
    package struct Store: Codable, Sendable, Equatable {
        package let kind: TrustStoreKind
        package let name: TrustStoreName
        /// SHA-256 of each anchor's certificate, lower-case hexadecimal, in order.
        package let anchors: [String]

        package init(kind: TrustStoreKind, name: TrustStoreName, anchors: [String]) {
            self.kind = kind
            self.name = name
            self.anchors = Set(anchors).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    /// An anchor in its place.
    package struct Placed: Sendable, Hashable {
        package let kind: TrustStoreKind
        package let store: TrustStoreName
        package let sha256: String

        package init(kind: TrustStoreKind, store: TrustStoreName, sha256: String) {
            self.kind = kind
            self.store = store
            self.sha256 = sha256
        }
    }

    package static let currentSchema = 1

    package let schema: Int
    /// What limits single anchors; absent where nothing does.
    package let constraints: [TeamPolicy.AnchorConstraint]?
    package let stores: [Store]
    /// The team's own statements; nil when it wrote none.
    package let statements: [TeamPolicy.Statement]?

    package init(
        stores: [Store], statements: [TeamPolicy.Statement]? = nil, constraints: [TeamPolicy.AnchorConstraint]? = nil
    ) {
        schema = Self.currentSchema
        let limited = (constraints ?? []).sorted { $0.anchor.utf8.lexicographicallyPrecedes($1.anchor.utf8) }
        self.constraints = limited.isEmpty ? nil : limited
        self.stores = stores.sorted { ($0.kind, $0.name) < ($1.kind, $1.name) }
        self.statements = statements
    }

    /// - Throws: `TrustModelError(.document)` for one that a later program wrote.
    package init(parsing text: String) throws {
        self = try JSON(parsing: Array(text.utf8)).decode(place: "a team's content")
        guard schema == Self.currentSchema else {
            throw TrustModelError(
                .document, "a team's content has schema \(schema), which this program does not know",
                hint: "run the newest server on every replica")
        }
    }

    package var canonicalText: String {
        get throws { String(decoding: try JSON(encoding: self).canonicalBytes(), as: UTF8.self) }
    }

    package var anchors: Set<Placed> {
        Set(
            stores.flatMap { store in
                store.anchors.map { Placed(kind: store.kind, store: store.name, sha256: $0) }
            })
    }

    /// Stores that its statements refer to and that it does not have.
    package var missingStores: [TeamPolicy.StoreReference] {
        let present = Set(stores.map { TeamPolicy.StoreReference(kind: $0.kind, name: $0.name) })
        return (statements ?? []).flatMap(\.stores).filter { !present.contains($0) }
    }

    /// The same content with some anchors more and others less; a store is made where one is missing, and never dropped.
    ///
    /// - Parameter ends: when anchors among those added end by themselves, by the SHA-256 of their certificates.
    package func adding(
        _ added: Set<Placed>, removing removed: Set<Placed> = [], ending ends: [String: UTCDate] = [:]
    ) -> TeamContentDocument {
        var anchors: [TrustStoreKind: [TrustStoreName: Set<String>]] = [:]
        for store in stores { anchors[store.kind, default: [:]][store.name] = Set(store.anchors) }
        for anchor in added { anchors[anchor.kind, default: [:]][anchor.store, default: []].insert(anchor.sha256) }
        for anchor in removed.subtracting(added) { anchors[anchor.kind]?[anchor.store]?.remove(anchor.sha256) }
        let stores = anchors.flatMap { kind, named in
            named.map { Store(kind: kind, name: $0.key, anchors: Array($0.value)) }
        }
        return TeamContentDocument(
            stores: stores, statements: statements,
            constraints: constraints(of: stores, adding: Set(added.map(\.sha256)), ending: ends))
    }

    /// The limits that stay, of anchors that do; an anchor that is added anew has the limits that it comes with.
    private func constraints(
        of stores: [Store], adding added: Set<String>, ending ends: [String: UTCDate]
    ) -> [TeamPolicy.AnchorConstraint] {
        let held = Set(stores.flatMap(\.anchors))
        let kept = (constraints ?? []).filter { held.contains($0.anchor) && !added.contains($0.anchor) }
        return kept + ends.filter { held.contains($0.key) }.map { .init(anchor: $0.key, until: $0.value) }
    }

    /// What a host would see change when it gets this content after another one, a line each.
    ///
    /// - Parameter label: what to call an anchor, given the SHA-256 of its certificate.
    package func difference(
        from old: TeamContentDocument?, of team: TeamName, label: (String) -> String
    ) -> [String] {
        func place(_ anchor: Placed) -> String { "\(anchor.kind.rawValue):\(team).\(anchor.store)" }
        let before = old?.anchors ?? []
        let known = Set((old?.stores ?? []).map { TrustStoreID(team: team, kind: $0.kind, name: $0.name) })
        let stores = self.stores.map { TrustStoreID(team: team, kind: $0.kind, name: $0.name) }
        var lines = stores.filter { !known.contains($0) }.map { "adds the store \($0)" }
        lines += anchors.subtracting(before).map { "adds the anchor \(label($0.sha256)) to \(place($0))" }.sorted()
        lines += before.subtracting(anchors).map { "removes the anchor \(label($0.sha256)) from \(place($0))" }.sorted()
        let left = known.subtracting(stores)
        lines += left.sorted().map { "removes the store \($0)" }
        for limit in constraints ?? [] where !(old?.constraints ?? []).contains(limit) {
            guard let until = limit.until else { continue }
            lines.append("ends the trust in the anchor \(label(limit.anchor)) at \(until)")
        }
        return lines + policyDifference(from: old?.statements, of: team)
    }

    private func policyDifference(from old: [TeamPolicy.Statement]?, of team: TeamName) -> [String] {
        guard old != statements else { return [] }
        guard let statements else { return ["gives team \(team) the standard policy again"] }
        let (before, after) = (old ?? [], statements)
        let gone = before.filter { old in !after.contains { $0.name == old.name } }
        return gone.map { "removes the statement \($0.name) of team \(team)" }
            + after.filter { !before.contains($0) }.map { new in
                let verb = before.contains { $0.name == new.name } ? "changes" : "adds"
                return "\(verb) the statement of team \(team): \(new.summary)"
            }
    }
}
