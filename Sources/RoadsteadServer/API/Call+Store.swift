import RoadsteadStore
import RoadsteadWire

extension Call {
    /// The caller; every operation that asks for a token has one.
    func caller() throws -> Session {
        guard let session else { throw Gate.refusal }
        return session
    }

    /// The page that is asked for.
    func page() throws -> PageRequest { try PageRequest(after: try cursor(), limit: try pageLimit()) }
}

extension Call {
    /// A page of a list that is known whole, in the order of a key that no two items share.
    func page<Item: Codable & Sendable>(
        of items: [Item], by key: (Item) -> String
    ) throws -> Page<Item> {
        let (after, limit) = (try cursor() ?? "", try pageLimit())
        let rest = items.filter { key($0) > after }.sorted { key($0) < key($1) }
        let shown = Array(rest.prefix(limit))
        return Page(items: shown, next: rest.count > limit ? shown.last.map(key) : nil)
    }
}

extension KeysetPage {
    func body<Body: Codable & Sendable>(_ map: (Item) throws -> Body) rethrows -> Page<Body> {
        Page(items: try items.map(map), next: next)
    }
}
