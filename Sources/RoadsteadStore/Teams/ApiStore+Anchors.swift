import Codecs
import PostgresKit
import TrustModel

extension ApiStore {
    package func anchors(_ filter: AnchorFilter = AnchorFilter(), _ page: PageRequest) async throws
        -> KeysetPage<AnchorRecord>
    {
        let query = ListAnchors(
            after: try page.numberAfter(), filter: filter, readable: reader.teams, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.id)" }
    }

    package func anchor(_ id: Int64) async throws -> AnchorRecord {
        guard let anchor = try await pool.fetchOptional(FetchAnchor(id: id)), reader.teams.contains(anchor.store.team)
        else {
            throw StoreError.noSuch("trust anchor", id)
        }
        return anchor
    }
}
