import RoadsteadStore
import RoadsteadWire

extension Call {
    /// The caller; every operation that asks for a token has one.
    func caller() throws -> Session {
        guard let session else { throw Gate.refusal }
        return session
    }

    /// The page that is asked for.
    func page() throws -> PageRequest { try PageRequest(after: query("cursor"), limit: try pageLimit()) }
}

extension KeysetPage {
    func body<Body: Codable & Sendable>(_ map: (Item) throws -> Body) rethrows -> Page<Body> {
        Page(items: try items.map(map), next: next)
    }
}
