import PostgresKit
package import TrustModel

/// Who reads, and how far that goes: what every list leaves out, and what every single thing is held against.
///
/// The server names the caller in `current` for the length of a request. Where nobody is named nothing is read.
package struct Reader: Sendable {
    /// Whoever the running task reads for.
    @TaskLocal package static var current = Reader.nobody

    /// The person whom row-level security asks about; nil for nobody and for the server itself.
    let person: PersonID?
    private let bindings: [RoleBinding]
    private let limits: TokenLimits
    private let isServer: Bool

    package init(_ session: Session) {
        self.init(person: session.person.id, bindings: session.bindings, limits: session.limits, isServer: false)
    }

    init(_ authority: Authority) {
        self.init(
            person: authority.person, bindings: authority.bindings, limits: authority.limits, isServer: false)
    }

    private init(person: PersonID?, bindings: [RoleBinding], limits: TokenLimits, isServer: Bool) {
        self.person = person
        self.bindings = bindings
        self.limits = limits
        self.isServer = isServer
    }

    package static let nobody = Reader(person: nil, bindings: [], limits: .unlimited, isServer: false)
    /// The server's own work, which is for no caller; it sees no team's rows in the database.
    package static let server = Reader(person: nil, bindings: [], limits: .unlimited, isServer: true)

    package var teams: Readable<TeamName> {
        isServer ? .everything : Authorization.readableTeams(bindings: bindings, limits: limits)
    }

    package var fleets: Readable<FleetName> {
        isServer ? .everything : Authorization.readableFleets(bindings: bindings, limits: limits)
    }

    package var audit: ReadableAudit {
        isServer ? .everything : Authorization.readableAudit(bindings: bindings, limits: limits)
    }

    package func may(_ permission: Permission) -> Bool {
        isServer || Authorization.decide(permission, bindings: bindings, limits: limits).isAllowed
    }

    /// Whose own changes are shown wherever they are; a token that is limited to a team shows none but the team's.
    var author: PersonID? { limits.team == nil ? person : nil }

    /// Whether something that reaches everybody, such as a denial everywhere, concerns the reader: any role is enough.
    var holdsAnyRole: Bool { isServer || !bindings.isEmpty }

    /// Whether a change is shown: one's own always, a team's to its readers, any other to those who govern, who could
    /// have proposed it, or who may agree to it.
    func mayRead(_ change: ChangeRow) -> Bool {
        if change.author == author { return true }
        if let team = change.team { return teams.contains(team) }
        let proposal = change.content.proposal
        return may(.readGovernance) || may(change.content.approval) || (!proposal.isEmpty && proposal.allSatisfy(may))
    }
}

extension Reader {
    /// A denial everywhere concerns everybody who holds a role; one in a team's scopes is the team's.
    func mayRead(_ denial: DenialRecord) -> Bool { denial.team.map(teams.contains) ?? holdsAnyRole }
}

extension Binding {
    /// The names to select by; NULL where nothing has to be left out.
    static func names<Name: Slug>(_ readable: Readable<Name>) -> Binding {
        .texts(orNull: readable.names.map { $0.map(\.rawValue).sorted() })
    }
}
