import Codecs
import PostgresKit
import TrustModel

private let bindingSelect = """
    SELECT b.id, b.person_id, p.subject, b.role, team_name(b.team_id) AS team, f.name AS fleet,
        b.team_id IS NULL AND b.fleet_id IS NULL AS is_everywhere, b.granted_at
    FROM role_binding b JOIN person p ON p.id = b.person_id
    LEFT JOIN fleet f ON f.id = b.fleet_id
    WHERE b.revoked_at IS NULL
    """

/// Roles that people hold at a moment, their own and those of their groups; people who are disabled hold none.
private func heldSelect(at now: String) -> String {
    """
    SELECT h.id, h.person_id, p.subject, h.role, team_name(h.team_id) AS team, f.name AS fleet,
        h.team_id IS NULL AND h.fleet_id IS NULL AS is_everywhere, h.granted_at, h.issuer, h.group_name, h.held_until
    FROM held_role h JOIN person p ON p.id = h.person_id
    LEFT JOIN fleet f ON f.id = h.fleet_id
    WHERE p.disabled_at IS NULL AND (h.held_until IS NULL OR h.held_until > coalesce(\(now), now()))
    """
}

extension RoleBinding {
    init(_ row: Row) throws {
        let team: TeamName? = try row.optional("team", { try TeamName($0) })
        let fleet: FleetName? = try row.optional("fleet", { try FleetName($0) })
        let reach: RoleReach = team.map { .team($0) } ?? fleet.map { .fleet($0) } ?? .everything
        // A name that could not be read must never make a role reach further.
        guard try (reach == .everything) == row.value("is_everywhere") else {
            throw StoreError(.damaged, "a role is bound to a team or fleet without a name")
        }
        self = try row.value("role", { try RoleBinding(stored($0), reach) })
    }
}

extension BindingRecord {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), person: PersonID(rawValue: try row.value("person_id")),
            subject: try row.value("subject"), binding: try RoleBinding(row), granted: try row.value("granted_at"))
    }

    init(held row: Row) throws {
        try self.init(row)
        guard let issuer: String = try row.value("issuer"), let name: String = try row.value("group_name") else {
            return
        }
        group = RoleGroup(issuer: issuer, name: name, until: try row.value("held_until"))
    }
}

/// The roles that people hold; people who are disabled hold none.
struct ListBindingsOfPeople: Query {
    static let sql = "\(heldSelect(at: "$2")) AND h.person_id = ANY ($1) ORDER BY h.id, h.issuer, h.group_name"
    let people: [PersonID]
    /// What decides takes the moment of the decision; nil, the database's own clock, does for what is only shown.
    let now: UTCDate?
    var bindings: [Binding] { [.ints(people.map(\.rawValue)), .date(now)] }
    func decode(_ row: Row) throws -> BindingRecord { try BindingRecord(held: row) }
}

/// The teams that people are of, also by groups that a provider has not named again.
struct ListTeamsOfPeople: Query {
    static let sql = """
        SELECT i.person_id, team_name(i.team_id) AS team FROM team_insider i WHERE i.person_id = ANY ($1)
        ORDER BY i.person_id, i.team_id
        """
    let people: [PersonID]
    var bindings: [Binding] { [.ints(people.map(\.rawValue))] }
    func decode(_ row: Row) throws -> (person: PersonID, team: TeamName) {
        (PersonID(rawValue: try row.value("person_id")), try row.value("team", { try TeamName($0) }))
    }
}

struct ListBindings: Query {
    static let sql = "\(bindingSelect) AND b.id > $1 ORDER BY b.id LIMIT $2"
    let after: Int64
    let limit: Int
    var bindings: [Binding] { [.int(after), .int(limit)] }
    func decode(_ row: Row) throws -> BindingRecord { try BindingRecord(row) }
}

/// Who holds any of some roles on everything or on one team, by the database's clock: for showing.
struct ListHolders: Query {
    static let sql = """
        \(heldSelect(at: "NULL")) AND h.role = ANY ($1)
        AND ((h.team_id IS NULL AND h.fleet_id IS NULL) OR team_name(h.team_id) = $2) ORDER BY p.subject, h.id
        """
    let roles: [PersonRole]
    /// nil for those alone who hold it everywhere.
    let team: TeamName?
    var bindings: [Binding] { [.texts(roles.map(\.rawValue)), .text(team?.rawValue)] }
    func decode(_ row: Row) throws -> BindingRecord { try BindingRecord(held: row) }
}

struct FetchBinding: Query {
    static let sql = "\(bindingSelect) AND b.id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> BindingRecord { try BindingRecord(row) }
}

struct InsertBinding: Query {
    static let sql = """
        INSERT INTO role_binding (person_id, role, team_id, fleet_id, granted_by, granted_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id
        """
    let person: PersonID
    let role: PersonRole
    let team: Int64?
    let fleet: Int64?
    let by: PersonID?
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(person.rawValue), .text(role.rawValue), .int(team), .int(fleet), .int(by?.rawValue), .date(now),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct RevokeBinding: Statement {
    static let sql = "UPDATE role_binding SET revoked_at = $3, revoked_by = $2 WHERE id = $1 AND revoked_at IS NULL"
    let id: Int64
    let by: PersonID
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .int(by.rawValue), .date(now)] }
}

/// The trust administrators who can act, roles and people locked so that two of them cannot each take the other away.
struct LockAdministrators: Query {
    static let sql = """
        SELECT b.id, b.person_id FROM role_binding b JOIN person p ON p.id = b.person_id
        WHERE b.role = 'trust-admin' AND b.revoked_at IS NULL AND p.disabled_at IS NULL
        ORDER BY b.id FOR NO KEY UPDATE OF b, p
        """
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> (binding: Int64, person: PersonID) {
        (try row.value("id"), PersonID(rawValue: try row.value("person_id")))
    }
}

// MARK: - Founding

/// Whether one person at most could ever agree; it stays so until the transaction ends.
struct FoundingHolds: Query {
    static let sql = "SELECT founding_holds() AS holds"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> Bool { try row.value("holds") }
}

/// How many people could agree to administration; nil while it is in force at once. Whoever else counts them waits.
struct CountWhoAgree: Query {
    static let sql = "SELECT count_who_agree() AS agreeing"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> Int? { try row.value("agreeing") }
}

struct FetchFoundingEnd: Query {
    static let sql = "SELECT over_at FROM founding"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> UTCDate? { try row.value("over_at") }
}

// MARK: - Invitations and the first administrator

struct InsertInvitation: Query {
    static let sql = """
        INSERT INTO invitation (token_sha256, subject, display_name, bindings, invited_by, created_at, expires_at)
        VALUES ($1, $2, $3, '[]', $4, $5, $6) RETURNING id
        """
    let tokenSHA256: [UInt8]
    let subject: String
    let displayName: String
    let by: PersonID
    let now: UTCDate
    let expires: UTCDate

    var bindings: [Binding] {
        [
            .bytes(tokenSHA256), .text(subject), .text(displayName), .int(by.rawValue), .date(now),
            .date(expires),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct LockInvitation: Query {
    static let sql = """
        SELECT id, subject, display_name, bindings, invited_by, expires_at, accepted_at IS NOT NULL AS accepted
        FROM invitation WHERE token_sha256 = $1 AND revoked_at IS NULL FOR UPDATE
        """
    let tokenSHA256: [UInt8]
    var bindings: [Binding] { [.bytes(tokenSHA256)] }

    func decode(_ row: Row) throws -> (invitation: InvitationRecord, accepted: Bool) {
        let invitation = InvitationRecord(
            id: try row.value("id"), subject: try row.value("subject"), displayName: try row.value("display_name"),
            bindings: try row.value("bindings", { try StoredJSON.read($0) }),
            invitedBy: PersonID(rawValue: try row.value("invited_by")), expires: try row.value("expires_at"))
        return (invitation, try row.value("accepted"))
    }
}

/// The newest invitation of a name that can still be taken up.
struct FindOpenInvitation: Query {
    static let sql = """
        SELECT id, bindings, invited_by FROM invitation
        WHERE subject = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2
            AND ($3::bigint IS NULL OR created_at <= (SELECT created_at FROM change WHERE number = $3))
        ORDER BY id DESC LIMIT 1 FOR UPDATE
        """
    let subject: String
    let now: UTCDate
    /// Only one that was there when this change was proposed: nobody puts another in its place meanwhile.
    var change: Int64?
    var bindings: [Binding] { [.text(subject), .date(now), .int(change)] }
    func decode(_ row: Row) throws -> (id: Int64, roles: [RoleBinding], inviter: PersonID) {
        (
            try row.value("id"), try row.value("bindings", { try StoredJSON.read($0) }),
            PersonID(rawValue: try row.value("invited_by"))
        )
    }
}

/// Whether a person joined after a change was proposed, by an invitation that is younger than it too.
struct JoinedSince: Query {
    static let sql = """
        SELECT p.created_at > c.created_at AND NOT EXISTS (
            SELECT FROM invitation i WHERE i.person_id = p.id AND i.created_at <= c.created_at) AS joined
        FROM person p, change c WHERE p.id = $1 AND c.number = $2
        """
    let person: PersonID
    let change: Int64
    var bindings: [Binding] { [.int(person.rawValue), .int(change)] }
    func decode(_ row: Row) throws -> Bool { try row.value("joined") }
}

struct SetInvitedRoles: Statement {
    static let sql = "UPDATE invitation SET bindings = $2 WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL"
    let id: Int64
    /// JSON list.
    let roles: String
    var bindings: [Binding] { [.int(id), .text(roles)] }
}

/// Invitations that can still be taken up, of everybody.
struct ListOpenInvitations: Query {
    static let sql = """
        SELECT i.id, i.subject, i.display_name, i.bindings, p.subject AS inviter, i.expires_at
        FROM invitation i JOIN person p ON p.id = i.invited_by
        WHERE i.id > $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $2 ORDER BY i.id LIMIT $3
        """
    let after: Int64
    let now: UTCDate
    let limit: Int
    var bindings: [Binding] { [.int(after), .date(now), .int(limit)] }

    func decode(_ row: Row) throws -> OpenInvitation {
        OpenInvitation(
            id: try row.value("id"), subject: try row.value("subject"), displayName: try row.value("display_name"),
            bindings: try row.value("bindings", { try StoredJSON.read($0) }), inviter: try row.value("inviter"),
            expires: try row.value("expires_at"))
    }
}

/// Takes an invitation back while nobody has taken it up.
struct RevokeInvitation: Query {
    static let sql = """
        UPDATE invitation SET revoked_at = $2, revoked_by = $3
        WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2 RETURNING subject
        """
    let id: Int64
    let now: UTCDate
    let by: PersonID
    var bindings: [Binding] { [.int(id), .date(now), .int(by.rawValue)] }
    func decode(_ row: Row) throws -> String { try row.value("subject") }
}

struct AcceptInvitation: Statement {
    static let sql = "UPDATE invitation SET accepted_at = $2, person_id = $3 WHERE id = $1 AND accepted_at IS NULL"
    let id: Int64
    let now: UTCDate
    let person: PersonID
    var bindings: [Binding] { [.int(id), .date(now), .int(person.rawValue)] }
}

struct HasAdministrator: Query {
    static let sql = """
        SELECT EXISTS (SELECT FROM role_binding b JOIN person p ON p.id = b.person_id
            WHERE b.role = 'trust-admin' AND b.revoked_at IS NULL AND p.disabled_at IS NULL) AS found
        """
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> Bool { try row.value("found") }
}

struct SetBootstrap: Statement {
    static let sql = """
        INSERT INTO bootstrap (token_sha256, created_at, expires_at) VALUES ($1, $2, $3)
        ON CONFLICT (one) DO UPDATE
        SET token_sha256 = excluded.token_sha256, created_at = excluded.created_at, expires_at = excluded.expires_at,
            used_at = NULL
        """
    let tokenSHA256: [UInt8]
    let now: UTCDate
    let expires: UTCDate
    var bindings: [Binding] { [.bytes(tokenSHA256), .date(now), .date(expires)] }
}

struct LockBootstrap: Query {
    static let sql = "SELECT token_sha256, expires_at, used_at IS NOT NULL AS used FROM bootstrap FOR UPDATE"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> (tokenSHA256: [UInt8], expires: UTCDate, used: Bool) {
        (try row.value("token_sha256"), try row.value("expires_at"), try row.value("used"))
    }
}

struct UseBootstrap: Statement {
    static let sql = "UPDATE bootstrap SET used_at = $1"
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
}
