import Codecs
import PostgresKit
import TrustModel

/// Exceptions that end within days, for those who could ask for others: who operates the fleet, or the team that asked.
struct EndingExceptions: InboxSource {
    static let warningDays: Int64 = 3

    func items(_ request: InboxRequest) async throws -> [InboxItem] {
        let soon = request.now.adding(days: Self.warningDays)
        let found = try await request.transaction.fetchAll(ListExceptions(fleet: nil, all: false))
        let mine = found.filter { record in
            let isTheirs = record.team.map { request.may(.propose($0)) } ?? false
            return record.exception.until <= soon && record.exception.holds(at: request.now)
                && (isTheirs || request.may(.operateFleet(record.fleet)))
        }
        return mine.prefix(ApiStore.inboxItemsOfSource).map { record in
            InboxItem(
                .exceptionEnds, record.exception.id, "\(record.exception) in fleet \(record.fleet)",
                due: record.exception.until, command: "roadstead exception list --fleet \(record.fleet)")
        }
    }
}
