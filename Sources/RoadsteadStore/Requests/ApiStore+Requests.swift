package import Codecs
import PostgresKit
package import TrustModel

/// What a team asked for, and what became of it.
package struct RequestRecord: Sendable, Equatable {
    package let number: Int64
    package let team: TeamName
    package let content: TrustRequest
    package let reason: String
    package let ticket: String?
    package let state: TrustRequest.State
    package let author: PersonID
    package let created: UTCDate
    package let answeredBy: PersonID?
    package let answered: UTCDate?
    package let answer: String?
    package let change: Int64?
}

extension ApiStore {
    /// Asks for what the rules refuse; who may propose for the team may ask.
    package func ask(
        for content: TrustRequest, in name: TeamName, reason: String, ticket: String? = nil, by actor: Actor,
        now: UTCDate
    ) async throws -> RequestRecord {
        try Texts.check(reason, "reason", maximum: 1_000)
        if let ticket { try Texts.check(ticket, "ticket", maximum: 200) }
        if case .anchor(let kind, _, let certificate) = content {
            guard certificate.count <= TrustRequest.maximumCertificateBytes else {
                throw StoreError(.invalid, "a certificate has \(certificate.count) bytes")
            }
            _ = try inspector.facts(certificate, kind, now)
        }
        return try await work(actor, .propose(name), now: now) { work in
            let team = try await work.transaction.requireTeam(name)
            let open = try await work.transaction.fetchOne(CountOpenRequests(author: actor.person))
            guard open < TrustRequest.maximumOpen else {
                throw StoreError(
                    .conflict, "you have \(open) open requests", hint: "wait for answers: roadstead request list")
            }
            let insert = InsertRequest(
                team: team.id, content: try StoredJSON.text(content), reason: reason, ticket: ticket,
                author: actor.person, now: now)
            let number = try await work.transaction.fetchOne(insert)
            try await work.audit.record(
                .requestMade, "R-\(number)", team: name, detail: ["kind": .string(content.kind.rawValue)])
            return try await work.transaction.fetchOne(FetchRequest(number: number))
        }
    }

    /// Requests of the teams that the reader may see, and the reader's own.
    package func requests(
        team: TeamName? = nil, state: TrustRequest.State? = nil, _ page: PageRequest
    ) async throws -> KeysetPage<RequestRecord> {
        let query = ListRequests(
            after: try page.numberAfter(), team: team, state: state, readable: reader.teams, author: reader.author,
            limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.number)" }
    }

    package func request(_ number: Int64) async throws -> RequestRecord {
        guard let record = try await pool.fetchOptional(FetchRequest(number: number)),
            reader.teams.contains(record.team) || record.author == reader.author
        else {
            throw StoreError.noSuch("request", "R-\(number)")
        }
        return record
    }

    /// Closes a request with an answer. It grants nothing by itself: what grants it is a change with its own approvals.
    ///
    /// - Parameter change: the change that grants it.
    package func answer(
        _ number: Int64, _ state: TrustRequest.State, _ answer: String, change: Int64? = nil, by actor: Actor,
        now: UTCDate
    ) async throws -> RequestRecord {
        try Texts.check(answer, "answer", maximum: 1_000)
        return try await work(actor, .approveAdministration, now: now) { work in
            guard let request = try await work.transaction.fetchOptional(FetchRequest(number: number)) else {
                throw StoreError.noSuch("request", "R-\(number)")
            }
            if let change, try await work.transaction.fetchOptional(FetchChange(number: change)) == nil {
                throw StoreError.noSuch("change", "C-\(change)")
            }
            let update = AnswerRequest(
                number: number, state: state, answer: answer, change: change, by: actor.person, now: now)
            guard try await work.transaction.execute(update) == 1 else {
                throw StoreError(.notOpen, "R-\(number) is \(request.state.rawValue) already")
            }
            try await work.audit.record(
                .requestAnswered, "R-\(number)", team: request.team,
                detail: ["state": .string(state.rawValue), "change": change.map { .integer($0) } ?? .null])
            return try await work.transaction.fetchOne(FetchRequest(number: number))
        }
    }
}
