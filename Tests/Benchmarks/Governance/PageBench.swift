import RoadsteadStore
import TrustModel

/// Pages of lists of a large company, from the front, the middle and near the end.
struct PageBench {
    private static let runs = 21
    let company: Company

    init(_ company: Company) { self.company = company }

    func run() async throws {
        let anchors = Company.teams * Company.anchorsOfTeam
        for (place, after) in [("first", 0), ("middle", anchors / 2), ("last", anchors)] {
            let page = try PageRequest(after: "\(after)", limit: 100)
            let time = try await median(of: Self.runs) {
                _ = try await company.api.anchors(AnchorFilter(), page)
            }
            report("\(place) page of 100 of \(anchors) anchors, ms", rounded(time.seconds * 1_000, 2))
        }
        let team = try TeamName("bench-0500")
        let own = try await median(of: Self.runs) {
            _ = try await company.api.anchors(AnchorFilter(team: team), try PageRequest(limit: 100))
        }
        report("one team's 100 anchors of \(anchors), ms", rounded(own.seconds * 1_000, 2))
        for (place, after) in [("first", ""), ("last", "bench-0900")] {
            let time = try await median(of: Self.runs) {
                _ = try await company.api.teams(try PageRequest(after: after, limit: 100))
            }
            report("\(place) page of 100 of \(Company.teams) teams, ms", rounded(time.seconds * 1_000, 2))
        }
    }
}
