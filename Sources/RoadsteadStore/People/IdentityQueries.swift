import Codecs
import PostgresKit
import TrustModel

private let linkSelect = """
    SELECT l.id, l.issuer, l.subject, l.person_id, l.holder, team_name(l.team_id) AS team, l.linked_at,
        l.linked_by_change
    FROM identity_link l WHERE l.unlinked_at IS NULL
    """

extension IdentityLink {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), issuer: try row.value("issuer"), subject: try row.value("subject"),
            person: PersonID(rawValue: try row.value("person_id")),
            limits: TokenLimits(
                access: .write, holder: try row.value("holder", { try stored($0) }),
                team: try row.optional("team", { try TeamName($0) })),
            linked: try row.value("linked_at"), change: try row.value("linked_by_change"))
    }
}

struct FindIdentityLink: Query {
    static let sql = "\(linkSelect) AND l.issuer = $1 AND l.subject = $2"
    let issuer: String
    let subject: String
    var bindings: [Binding] { [.text(issuer), .text(subject)] }
    func decode(_ row: Row) throws -> IdentityLink { try IdentityLink(row) }
}

struct FetchIdentityLink: Query {
    static let sql = "\(linkSelect) AND l.id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> IdentityLink { try IdentityLink(row) }
}

struct ListIdentityLinks: Query {
    static let sql = "\(linkSelect) AND l.person_id = $1 AND l.id > $2 ORDER BY l.id LIMIT $3"
    let person: PersonID
    let after: Int64
    let limit: Int
    var bindings: [Binding] { [.int(person.rawValue), .int(after), .int(limit)] }
    func decode(_ row: Row) throws -> IdentityLink { try IdentityLink(row) }
}

struct InsertIdentityLink: Query {
    static let sql = """
        INSERT INTO identity_link (issuer, subject, person_id, holder, team_id, linked_by_change, linked_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id
        """
    let identity: LinkIdentity
    let person: PersonID
    let team: Int64?
    let change: Int64
    let now: UTCDate

    var bindings: [Binding] {
        [
            .text(identity.issuer.text), .text(identity.subject.text), .int(person.rawValue),
            .text(identity.holder.rawValue),
            .int(team), .int(change), .date(now),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct EndIdentityLink: Statement {
    static let sql = """
        UPDATE identity_link SET unlinked_by = $2, unlinked_at = $3 WHERE id = $1 AND unlinked_at IS NULL
        """
    let id: Int64
    let by: PersonID
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .int(by.rawValue), .date(now)] }
}

/// Ends every credential that came about by an identity.
struct RevokeCredentialsOfIdentity: Statement {
    static let sql = """
        UPDATE credential SET revoked_at = $3 WHERE issuer = $1 AND subject = $2 AND revoked_at IS NULL
        """
    let issuer: String
    let subject: String
    let now: UTCDate
    var bindings: [Binding] { [.text(issuer), .text(subject), .date(now)] }
}

/// Whether an identity is or ever was linked to a person.
struct WasLinked: Query {
    static let sql = "SELECT EXISTS (SELECT FROM identity_link WHERE issuer = $1 AND subject = $2) AS found"
    let issuer: String
    let subject: String
    var bindings: [Binding] { [.text(issuer), .text(subject)] }
    func decode(_ row: Row) throws -> Bool { try row.value("found") }
}

// MARK: - Proofs

struct KeepIdentityProof: Statement {
    static let sql = """
        INSERT INTO identity_proof (issuer, subject, person_id, proved_at, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (issuer, subject, person_id)
        DO UPDATE SET proved_at = excluded.proved_at, expires_at = excluded.expires_at
        """
    let issuer: String
    let subject: String
    let person: PersonID
    let now: UTCDate
    let expires: UTCDate
    var bindings: [Binding] {
        [.text(issuer), .text(subject), .int(person.rawValue), .date(now), .date(expires)]
    }
}

/// Who has shown a token of an identity, and may still say so.
struct ListIdentityProofs: Query {
    static let sql = """
        SELECT person_id FROM identity_proof WHERE issuer = $1 AND subject = $2 AND expires_at > $3 ORDER BY person_id
        """
    let issuer: String
    let subject: String
    let now: UTCDate
    var bindings: [Binding] { [.text(issuer), .text(subject), .date(now)] }
    func decode(_ row: Row) throws -> PersonID { PersonID(rawValue: try row.value("person_id")) }
}

struct DeleteIdentityProofs: Statement {
    static let sql = "DELETE FROM identity_proof WHERE issuer = $1 AND subject = $2"
    let issuer: String
    let subject: String
    var bindings: [Binding] { [.text(issuer), .text(subject)] }
}

/// Takes what may be taken once.
struct SpendProof: Statement {
    static let sql = "INSERT INTO spent_proof (sha256, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING"
    let sha256: [UInt8]
    let expires: UTCDate
    var bindings: [Binding] { [.bytes(sha256), .date(expires)] }
}

struct ForgetSpentProofs: Statement {
    static let sql = "DELETE FROM spent_proof WHERE expires_at < $1"
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
}

/// Whether a person has done anything that another identity must not take over: proposed, decided, or held a role.
struct HasActed: Query {
    static let sql = """
        SELECT EXISTS (SELECT FROM change WHERE author = $1)
            OR EXISTS (SELECT FROM change_decision WHERE person_id = $1)
            OR EXISTS (SELECT FROM role_binding WHERE person_id = $1)
            OR EXISTS (SELECT FROM identity_link WHERE person_id = $1) AS found
        """
    let person: PersonID
    var bindings: [Binding] { [.int(person.rawValue)] }
    func decode(_ row: Row) throws -> Bool { try row.value("found") }
}

// MARK: - Groups

/// Keeps what a token says of groups, unless a newer one has spoken.
struct KeepAssertedGroups: Statement {
    static let sql = """
        INSERT INTO asserted_groups (person_id, issuer, groups, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (person_id, issuer) DO UPDATE
        SET groups = excluded.groups, issued_at = excluded.issued_at, expires_at = excluded.expires_at
        WHERE asserted_groups.issued_at <= excluded.issued_at
        """
    let person: PersonID
    let identity: AssertedIdentity
    var bindings: [Binding] {
        [
            .int(person.rawValue), .text(identity.issuer), .texts(identity.groups), .date(identity.issued),
            .date(identity.issued.adding(seconds: AssertedIdentity.groupSeconds)),
        ]
    }
}

/// Takes from a person what the tokens of an issuer said, until the next one speaks.
struct ForgetAssertedGroups: Statement {
    static let sql = "UPDATE asserted_groups SET groups = '{}' WHERE person_id = $1 AND issuer = $2"
    let person: PersonID
    let issuer: String
    var bindings: [Binding] { [.int(person.rawValue), .text(issuer)] }
}

/// Which people the newest token of an issuer put into a group, whether its word still counts or not.
struct ListGroupMembers: Query {
    static let sql = """
        SELECT person_id FROM asserted_groups WHERE issuer = $1 AND $2 = ANY (groups) AND person_id = ANY ($3)
        """
    let issuer: String
    let group: String
    let people: [PersonID]
    var bindings: [Binding] { [.text(issuer), .text(group), .ints(people.map(\.rawValue))] }
    func decode(_ row: Row) throws -> PersonID { PersonID(rawValue: try row.value("person_id")) }
}

private let groupRoleSelect = """
    SELECT g.id, g.issuer, g.group_name, g.role, team_name(g.team_id) AS team, f.name AS fleet,
        g.team_id IS NULL AND g.fleet_id IS NULL AS is_everywhere, g.set_at, g.set_by_change
    FROM group_role g LEFT JOIN fleet f ON f.id = g.fleet_id
    WHERE g.removed_at IS NULL
    """

extension GroupRoleRecord {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), issuer: try row.value("issuer"), group: try row.value("group_name"),
            binding: try RoleBinding(row), set: try row.value("set_at"), change: try row.value("set_by_change"))
    }
}

struct ListGroupRoles: Query {
    static let sql = "\(groupRoleSelect) AND g.id > $1 ORDER BY g.id LIMIT $2"
    let after: Int64
    let limit: Int
    var bindings: [Binding] { [.int(after), .int(limit)] }
    func decode(_ row: Row) throws -> GroupRoleRecord { try GroupRoleRecord(row) }
}

struct FindGroupRole: Query {
    static let sql = """
        \(groupRoleSelect) AND g.issuer = $1 AND g.group_name = $2 AND g.role = $3
        AND coalesce(g.team_id, 0) = coalesce($4, 0) AND coalesce(g.fleet_id, 0) = coalesce($5, 0)
        """
    let issuer: String
    let group: String
    let role: PersonRole
    let team: Int64?
    let fleet: Int64?
    var bindings: [Binding] {
        [.text(issuer), .text(group), .text(role.rawValue), .int(team), .int(fleet)]
    }
    func decode(_ row: Row) throws -> GroupRoleRecord { try GroupRoleRecord(row) }
}

struct InsertGroupRole: Query {
    static let sql = """
        INSERT INTO group_role (issuer, group_name, role, team_id, fleet_id, set_by_change, set_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id
        """
    let issuer: String
    let group: String
    let role: PersonRole
    let team: Int64?
    let fleet: Int64?
    let change: Int64
    let now: UTCDate

    var bindings: [Binding] {
        [
            .text(issuer), .text(group), .text(role.rawValue), .int(team), .int(fleet), .int(change), .date(now),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct EndGroupRole: Statement {
    static let sql = """
        UPDATE group_role SET removed_by_change = $2, removed_at = $3 WHERE id = $1 AND removed_at IS NULL
        """
    let id: Int64
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .int(change), .date(now)] }
}

// MARK: - Credentials of identities and keys

/// What bars a token: that its identity's tokens were revoked, or its link ended, when it was issued or since.
private let barred = """
    EXISTS (SELECT FROM credential r WHERE r.issuer = $1 AND r.subject = $2 AND r.kind = 'provider' AND r.revoked_at >= $3)
    OR EXISTS (SELECT FROM identity_link u WHERE u.issuer = $1 AND u.subject = $2 AND u.unlinked_at >= $3)
    """

/// Whether an identity's token counts no more, whatever was issued after it.
struct IsBarred: Query {
    static let sql = "SELECT \(barred) AS found"
    let identity: AssertedIdentity
    var bindings: [Binding] { [.text(identity.issuer), .text(identity.subject), .date(identity.issued)] }
    func decode(_ row: Row) throws -> Bool { try row.value("found") }
}

/// The standing of an identity's tokens where this one changes nothing about it: neither its end nor its holder's groups.
struct FindStanding: Query {
    static let sql = """
        \(credentialSelect) WHERE c.issuer = $1 AND c.subject = $2 AND c.kind = 'provider' AND c.revoked_at IS NULL
        AND c.expires_at >= $4 AND NOT (\(barred)) AND (c.holder = 'machine' OR EXISTS (SELECT FROM asserted_groups a
            WHERE a.person_id = c.person_id AND a.issuer = $1 AND a.issued_at >= $3))
        ORDER BY c.id DESC LIMIT 1
        """
    let identity: AssertedIdentity
    var bindings: [Binding] {
        [.text(identity.issuer), .text(identity.subject), .date(identity.issued), .date(identity.expires)]
    }
    func decode(_ row: Row) throws -> CredentialRecord { try CredentialRecord(row) }
}

/// The standing of an identity's tokens, newest first.
struct FetchProviderCredential: Query {
    static let sql = """
        \(credentialSelect) WHERE c.issuer = $1 AND c.subject = $2 AND c.kind = 'provider' ORDER BY c.id DESC LIMIT 1
        """
    let issuer: String
    let subject: String
    var bindings: [Binding] { [.text(issuer), .text(subject)] }
    func decode(_ row: Row) throws -> CredentialRecord { try CredentialRecord(row) }
}

struct FetchCredentialByKey: Query {
    static let sql = """
        \(credentialSelect) WHERE c.key_sha256 = $1 AND c.kind = 'certificate' AND c.revoked_at IS NULL
        """
    let keySHA256: [UInt8]
    var bindings: [Binding] { [.bytes(keySHA256)] }
    func decode(_ row: Row) throws -> CredentialRecord { try CredentialRecord(row) }
}

struct InsertProviderCredential: Query {
    static let sql = """
        INSERT INTO credential (person_id, kind, issuer, subject, label, access, holder, team_id, created_at,
            expires_at)
        VALUES ($1, 'provider', $2, $3, 'tokens of ' || left($2, 80), 'write', $4, $5, $6, $7) RETURNING id
        """
    let person: PersonID
    let identity: AssertedIdentity
    let holder: TokenLimits.Holder
    let team: Int64?
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(person.rawValue), .text(identity.issuer), .text(identity.subject), .text(holder.rawValue),
            .int(team), .date(now), .date(identity.expires),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct InsertCertificateCredential: Query {
    static let sql = """
        INSERT INTO credential (person_id, kind, key_sha256, label, access, holder, created_at, expires_at, issuer,
            subject)
        VALUES ($1, 'certificate', $2, $3, 'write', 'person', $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id
        """
    /// What it was made with: whose it is, and by which identity.
    let maker: CredentialRecord
    let keySHA256: [UInt8]
    let label: String
    let now: UTCDate
    let expires: UTCDate

    var bindings: [Binding] {
        [
            .int(maker.person.rawValue), .bytes(keySHA256), .text(label), .date(now), .date(expires),
            .text(maker.issuer), .text(maker.subject),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct ProlongCredential: Statement {
    static let sql = "UPDATE credential SET expires_at = $2, last_used_at = $3 WHERE id = $1 AND expires_at < $2"
    let id: Int64
    let expires: UTCDate
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .date(expires), .date(now)] }
}
