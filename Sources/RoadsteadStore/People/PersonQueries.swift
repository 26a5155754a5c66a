import Codecs
import PostgresKit
import TrustModel

private let personColumns = "id, issuer, subject, display_name, disabled_at IS NOT NULL AS disabled"

extension PersonRecord {
    init(_ row: Row) throws {
        self.init(
            id: PersonID(rawValue: try row.value("id")), issuer: try row.value("issuer"),
            subject: try row.value("subject"), displayName: try row.value("display_name"),
            disabled: try row.value("disabled"))
    }
}

struct FetchPerson: Query {
    static let sql = "SELECT \(personColumns) FROM person WHERE id = $1"
    let id: PersonID
    var bindings: [Binding] { [.int(id.rawValue)] }
    func decode(_ row: Row) throws -> PersonRecord { try PersonRecord(row) }
}

struct FetchPersonBySubject: Query {
    static let sql = "SELECT \(personColumns) FROM person WHERE issuer = $1 AND subject = $2"
    let issuer: String
    let subject: String
    var bindings: [Binding] { [.text(issuer), .text(subject)] }
    func decode(_ row: Row) throws -> PersonRecord { try PersonRecord(row) }
}

struct ListPeople: Query {
    static let sql = "SELECT \(personColumns) FROM person WHERE id > $1 ORDER BY id LIMIT $2"
    let after: Int64
    let limit: Int
    var bindings: [Binding] { [.int(after), .int(limit)] }
    func decode(_ row: Row) throws -> PersonRecord { try PersonRecord(row) }
}

/// People by number, whatever has become of them: to name them where they acted.
struct ListPeopleByID: Query {
    static let sql = "SELECT \(personColumns) FROM person WHERE id = ANY ($1)"
    let ids: [PersonID]
    var bindings: [Binding] { [.ints(ids.map(\.rawValue))] }
    func decode(_ row: Row) throws -> PersonRecord { try PersonRecord(row) }
}

struct InsertPerson: Query {
    static let sql = """
        INSERT INTO person (issuer, subject, display_name, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING RETURNING \(personColumns)
        """
    let issuer: String
    let subject: String
    let displayName: String
    let now: UTCDate
    var bindings: [Binding] { [.text(issuer), .text(subject), .text(displayName), .date(now)] }
    func decode(_ row: Row) throws -> PersonRecord { try PersonRecord(row) }
}

struct DisablePerson: Statement {
    static let sql = "UPDATE person SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL"
    let id: PersonID
    let now: UTCDate
    var bindings: [Binding] { [.int(id.rawValue), .date(now)] }
}

// MARK: - Credentials

let credentialSelect = """
    SELECT c.id, c.person_id, c.kind, c.issuer, c.subject, c.label, c.access, c.holder,
        c.team_id IS NOT NULL AS is_limited, team_name(c.team_id) AS team, c.created_at, c.expires_at, c.revoked_at,
        c.last_used_at
    FROM credential c
    """

extension CredentialRecord {
    init(_ row: Row) throws {
        let team: TeamName? = try row.optional("team", { try TeamName($0) })
        // A name that could not be read must never make a token good for more.
        guard try (team != nil) == row.value("is_limited") else {
            throw StoreError(.damaged, "a token is limited to a team without a name")
        }
        self.init(
            id: try row.value("id"), person: PersonID(rawValue: try row.value("person_id")),
            kind: try row.value("kind", { try stored($0) }), issuer: try row.value("issuer"),
            subject: try row.value("subject"), label: try row.value("label"),
            limits: TokenLimits(
                access: try row.value("access", { try stored($0) }),
                holder: try row.value("holder", { try stored($0) }),
                team: team),
            created: try row.value("created_at"), expires: try row.value("expires_at"),
            revoked: try row.value("revoked_at"), lastUsed: try row.value("last_used_at"))
    }
}

struct FetchCredential: Query {
    static let sql = "\(credentialSelect) WHERE c.id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> CredentialRecord { try CredentialRecord(row) }
}

struct FetchCredentialByToken: Query {
    static let sql = "\(credentialSelect) WHERE c.token_sha256 = $1"
    let tokenSHA256: [UInt8]
    var bindings: [Binding] { [.bytes(tokenSHA256)] }
    func decode(_ row: Row) throws -> CredentialRecord { try CredentialRecord(row) }
}

struct ListCredentials: Query {
    static let sql = "\(credentialSelect) WHERE c.person_id = $1 AND c.id > $2 ORDER BY c.id LIMIT $3"
    let person: PersonID
    let after: Int64
    let limit: Int
    var bindings: [Binding] { [.int(person.rawValue), .int(after), .int(limit)] }
    func decode(_ row: Row) throws -> CredentialRecord { try CredentialRecord(row) }
}

struct InsertCredential: Query {
    static let sql = """
        INSERT INTO credential (person_id, token_sha256, label, access, holder, team_id, created_at, expires_at,
            issuer, subject)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
        """
    let person: PersonID
    let credential: NewCredential
    let team: Int64?
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(person.rawValue), .bytes(credential.tokenSHA256), .text(credential.label),
            .text(credential.limits.access.rawValue), .text(credential.limits.holder.rawValue), .int(team), .date(now),
            .date(credential.expires), .text(credential.issuer), .text(credential.subject),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct RevokeCredential: Statement {
    static let sql = "UPDATE credential SET revoked_at = $3 WHERE id = $1 AND person_id = $2 AND revoked_at IS NULL"
    let id: Int64
    let person: PersonID
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .int(person.rawValue), .date(now)] }
}

struct TouchCredential: Statement {
    static let sql = "UPDATE credential SET last_used_at = $2 WHERE id = $1"
    let id: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .date(now)] }
}

/// Notes a use when it is the first on its day, whichever of several requests at once comes first.
struct BeginCredentialDay: Statement {
    static let sql = """
        UPDATE credential SET last_used_at = $3 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)
        """
    let id: Int64
    let day: UTCDate
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .date(day), .date(now)] }
}

/// Reads an enumeration from its stored word; the column's CHECK allows no other.
func stored<Word: RawRepresentable<String>>(_ text: String) throws -> Word {
    guard let word = Word(rawValue: text) else {
        throw StoreError(.damaged, "the stored word \"\(text.prefix(40))\" is no \(Word.self)")
    }
    return word
}
