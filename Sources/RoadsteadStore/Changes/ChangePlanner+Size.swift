import PostgresKit
import TrustModel

extension ChangePlanner {
    /// Refuses additions after which hosts would not take the team's targets any more: its role would stay as it is, and
    /// nothing after them would be published either.
    func refuseOversize(_ steps: [ChangePlan.Step]) async throws {
        let removed = Set(steps.compactMap { if case .remove(let id, _) = $0 { id } else { nil } })
        let added = steps.flatMap { step -> [Int] in
            switch step {
            case .add(_, let addition, _): [addition.certificate.count]
            case .governed(let planned): planned.addedBytes
            default: []
            }
        }
        try await refuseOversize(of: try requireTeam(), adding: added, removing: removed)
    }

    /// The same for one team, given the lengths of the certificates that are to come and the anchors that are to go.
    func refuseOversize(of team: TeamRow, adding added: [Int], removing removed: Set<Int64> = []) async throws {
        let present = try await transaction.fetchAll(ListAnchorSizes(team: team.id)).filter { !removed.contains($0.id) }
        let lengths = (present.map(\.bytes) + added).map(Self.publishedLength)
        guard let refusal = TeamTargets.refusal(ofLengths: lengths + [Self.policyRoom]) else { return }
        throw StoreError(
            .invalid, "with this change team \(team.name) would have \(lengths.count) anchors: \(refusal)",
            hint: "remove anchors that are no longer needed first")
    }

    /// Kept free for the team's policy.
    private static let policyRoom: Int64 = 64 << 10

    /// The length of a certificate as it stands in a trust store's PEM file.
    private static func publishedLength(_ bytes: Int) -> Int64 {
        let digits = (bytes + 2) / 3 * 4
        let frame = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".utf8.count
        return Int64(frame + digits + (digits + 63) / 64)
    }
}

struct ListAnchorSizes: Query {
    static let sql = "SELECT id, octet_length(certificate) AS bytes FROM anchor WHERE team_id = $1 AND state = 'active'"
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> (id: Int64, bytes: Int) { (try row.value("id"), try row.value("bytes")) }
}
