package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    package func changes(_ filter: ChangeFilter = ChangeFilter(), _ page: PageRequest) async throws
        -> KeysetPage<ChangeRecord>
    {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let query = ListChanges(
                after: try page.numberAfter(), filter: filter, reader: reader, limit: page.fetched)
            let rows = KeysetPage(fetched: try await transaction.fetchAll(query), limit: page.limit) { "\($0.number)" }
            var records: [ChangeRecord] = []
            for row in rows.items where reader.mayRead(row) { records.append(try await transaction.record(of: row)) }
            return KeysetPage(items: records, next: rows.next)
        }
    }

    /// Changes that the caller may decide on and has not. A page may hold fewer than asked for and yet have a next one.
    package func changesWaiting(
        for actor: Actor, _ page: PageRequest, now: UTCDate
    ) async throws -> KeysetPage<ChangeRecord> {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let authority = try await Authority.fetch(actor, on: transaction, now: now)
            let (found, next) = try await transaction.changesWaiting(
                for: authority, after: try page.numberAfter(), limit: page.limit)
            var records: [ChangeRecord] = []
            for row in found { records.append(try await transaction.record(of: row)) }
            return KeysetPage(items: records, next: next.map { "\($0)" })
        }
    }

    package func change(_ number: Int64) async throws -> ChangeRecord {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            guard let row = try await transaction.fetchOptional(FetchChange(number: number)), reader.mayRead(row) else {
                throw StoreError.noSuch("change", "C-\(number)")
            }
            return try await transaction.record(of: row)
        }
    }

    /// Proposes operations in one team, or the end of denials that hold everywhere.
    ///
    /// What only removes, by somebody who may remove alone, is in force when this returns. Everything else waits for
    /// others, and the rules refuse here what could never be agreed to.
    package func propose(
        _ content: ChangeContent, draft: Bool = false, by actor: Actor, now: UTCDate
    ) async throws -> ChangeRecord {
        try await propose(content, draft: draft, by: actor, now: now) { _ in }
    }

    /// - Parameter first: what is done before, in the same transaction.
    func propose(
        _ content: ChangeContent, draft: Bool = false, by actor: Actor, now: UTCDate,
        first: (Work) async throws -> Void
    ) async throws -> ChangeRecord {
        if !draft { try await askGuards(content, by: actor, now: now) }
        return try await work(actor, nil, now: now) { work in
            try await first(work)
            try Self.requireProposal(content, work.authority)
            let transaction = work.transaction
            if content.linksIdentities { try await transaction.refuseManyLinks(of: actor.person) }
            let team = try await content.team.asyncMap { try await transaction.lockTeam($0) }
            let planner = ChangePlanner(
                transaction: transaction, inspector: inspector, team: team, author: actor.person, now: now)
            let stamped = try await planner.stamped(content)
            let plan = try await planner.plan(stamped)
            let founding = draft ? false : try await work.isFounding(stamped)
            let isAlone =
                founding
                || !draft
                    && ChangeRules.needsNobodyElse(
                        stamped, bindings: work.authority.bindings, limits: work.authority.limits)
            let state: ChangeState = draft ? .draft : isAlone ? .published : .submitted
            let number = try await transaction.fetchOne(NextChangeNumber())
            let digest = try stamped.digest(number: number, version: 1, baseVersion: team?.version ?? 1)
            try await transaction.execute(
                InsertChange(
                    number: number, team: team, actor: actor, content: stamped, needed: isAlone ? nil : plan.needed,
                    state: state, digest: digest, bytes: try stamped.canonicalBytes,
                    founding: founding, now: now))
            if isAlone {
                try await planner.apply(plan, of: number, by: actor.person, stamped, audit: work.audit)
            }
            let action: AuditAction = draft ? .changeDrafted : isAlone ? .changePublished : .changeSubmitted
            try await work.audit.record(
                action, "C-\(number)", team: stamped.team,
                fleet: stamped.fleet,
                detail: ["digest": .string(digest), "adds": .bool(stamped.adds), "founding": .bool(founding)])
            if isAlone { try await transaction.execute(SendPublishSignal()) }
            return try await transaction.record(ofChange: number)
        }
    }

    /// Edits one's own draft or submitted change; every approval so far is void.
    package func edit(
        _ number: Int64, to content: ChangeContent, ifVersion version: Int64, by actor: Actor, now: UTCDate
    ) async throws -> ChangeRecord {
        let present = try await change(number).change
        if present.author == actor.person, present.state != .draft {
            try await askGuards(content.madeAnew, by: actor, now: now)
        }
        return try await work(actor, nil, now: now) { work in
            let transaction = work.transaction
            let change = try await Self.lockOwn(
                number, ifVersion: version, of: actor, reader: Reader(work.authority), on: transaction, now: now)
            try Self.requireProposal(content, work.authority)
            guard content.team == change.team else {
                throw StoreError(
                    .invalid, "C-\(number) is of \(change.reach), not of \(content.reach)",
                    hint: "propose another change")
            }
            if content.linksIdentities, !change.content.linksIdentities {
                try await transaction.refuseManyLinks(of: actor.person)
            }
            let team = try await content.team.asyncMap { try await transaction.lockTeam($0) }
            let planner = ChangePlanner(
                transaction: transaction, inspector: inspector, team: team, author: actor.person, now: now)
            let stamped = try await planner.stamped(content.madeAnew)
            let plan = try await planner.plan(stamped)
            let digest = try stamped.digest(number: number, version: version + 1, baseVersion: team?.version ?? 1)
            let update = UpdateChangeContent(
                number: number, version: version + 1, baseVersion: team?.version ?? 1, content: stamped,
                bytes: try stamped.canonicalBytes, digest: digest, plan: plan,
                expires: stamped.expiry(of: change.state, from: now), credential: actor.credential, now: now)
            try await transaction.execute(update)
            try await work.audit.record(
                .changeEdited, "C-\(number)", team: content.team,
                detail: ["digest": .string(digest), "was": .string(change.digest)])
            return try await transaction.record(ofChange: number)
        }
    }

    /// Hands in one's own draft; the rules are asked anew.
    package func submit(
        _ number: Int64, ifVersion version: Int64? = nil, by actor: Actor, now: UTCDate
    ) async throws -> ChangeRecord {
        try await askGuards(try await change(number).change.content, by: actor, now: now)
        return try await work(actor, nil, now: now) { work in
            let transaction = work.transaction
            let change = try await Self.lockOwn(
                number, ifVersion: version, of: actor, reader: Reader(work.authority), on: transaction, now: now)
            guard change.state == .draft else {
                throw StoreError(.notOpen, "C-\(number) is \(change.state.rawValue) already")
            }
            try Self.requireProposal(change.content, work.authority)
            let team = try await change.team.asyncMap { try await transaction.lockTeam($0) }
            let planner = ChangePlanner(
                transaction: transaction, inspector: inspector, team: team, author: actor.person, now: now)
            let plan = try await planner.plan(change.content)
            let founding = try await work.isFounding(change.content)
            let isAlone = ChangeRules.needsNobodyElse(
                change.content, bindings: work.authority.bindings, limits: work.authority.limits)
            try await transaction.execute(
                SubmitChange(
                    number: number, needed: isAlone ? nil : plan.needed, now: now,
                    expires: change.content.expiry(of: .submitted, from: now)))
            if isAlone || founding {
                try await planner.apply(plan, of: number, by: change.author, change.content, audit: work.audit)
                if founding {
                    try await transaction.execute(FoundChange(number: number, now: now))
                } else {
                    try await transaction.execute(
                        MoveChange(number: number, from: .submitted, to: .published, note: nil, now: now))
                }
                try await work.audit.record(
                    .changePublished, "C-\(number)", team: change.team, fleet: change.content.fleet,
                    detail: ["founding": .bool(founding)])
                try await transaction.execute(SendPublishSignal())
            } else {
                try await work.audit.record(
                    .changeSubmitted, "C-\(number)", team: change.team, detail: ["digest": .string(change.digest)])
            }
            return try await transaction.record(ofChange: number)
        }
    }

    package func withdraw(_ number: Int64, by actor: Actor, now: UTCDate) async throws -> ChangeRecord {
        try await work(actor, nil, now: now) { work in
            guard work.authority.limits.access == .write else {
                throw StoreError(.forbidden, "this token may only read", hint: "use a token with write access")
            }
            let change = try await Self.lockOwn(
                number, ifVersion: nil, of: actor, reader: Reader(work.authority), on: work.transaction, now: now,
                states: [.draft, .submitted, .approved])
            try await work.transaction.execute(
                MoveChange(
                    number: number, from: change.state, to: .withdrawn, note: "withdrawn by its author", now: now))
            try await work.audit.record(.changeWithdrawn, "C-\(number)", team: change.team)
            return try await work.transaction.record(ofChange: number)
        }
    }
}

extension ApiStore {
    /// Has the guards look before others are asked, where the caller may propose it at all.
    private func askGuards(_ content: ChangeContent, by actor: Actor, now: UTCDate) async throws {
        guard let guards, content.adds else { return }
        try await work(actor, nil, now: now, claims: false) { try Self.requireProposal(content, $0.authority) }
        try await guards(content, actor, now)
    }

    /// What the content asks of its author: for additions to propose them, for removals to propose a removal.
    private static func requireProposal(_ content: ChangeContent, _ authority: Authority) throws {
        guard authority.limits.access == .write else {
            throw StoreError(.forbidden, "this token may only read", hint: "use a token with write access")
        }
        for permission in content.proposal { try authority.require(permission) }
    }

    /// A change that is open and the caller's own, locked; only its author edits, submits or withdraws it.
    private static func lockOwn(
        _ number: Int64, ifVersion version: Int64?, of actor: Actor, reader: Reader, on transaction: Transaction,
        now: UTCDate, states: Set<ChangeState> = [.draft, .submitted]
    ) async throws -> ChangeRow {
        let change = try await transaction.lockChange(number, readBy: reader)
        guard change.author == actor.person else {
            throw StoreError(
                .forbidden, "C-\(number) is somebody else's, and only its author changes it",
                hint: "comment on it, reject it, or propose your own")
        }
        guard states.contains(change.state) else {
            throw StoreError(
                .notOpen, "C-\(number) is \(change.state.rawValue)", hint: "propose another change")
        }
        guard now < change.expires else {
            throw StoreError(
                .expired, "C-\(number) expired at \(change.expires)", hint: "propose it again")
        }
        guard version.map({ $0 == change.version }) ?? true else {
            throw StoreError(
                .versionMismatch, "C-\(number) is at version \(change.version), not \(version ?? 0)",
                hint: "read it again: roadstead change show C-\(number)")
        }
        return change
    }
}
