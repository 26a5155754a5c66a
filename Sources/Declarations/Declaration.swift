package import Codecs
package import TrustModel

/// One document of the files that say what there should be. What a document does not mention is left as it is.
package enum Declaration: Sendable, Equatable {
    case team(DeclaredTeam)
    case rule(DeclaredRule)
    case anchor(DeclaredAnchor)
    case policy(DeclaredPolicy)
    case fleet(DeclaredFleet)
    case fleetPolicy(DeclaredFleetPolicy)
    case roleBinding(DeclaredBinding)

    package static let kinds = ["Team", "Rule", "Anchor", "Policy", "Fleet", "FleetPolicy", "RoleBinding"]

    /// Reads a document strictly: a member that its kind does not have is an error.
    ///
    /// - Parameter place: the file and line that it begins at, for error messages.
    package init(_ document: JSON, place: String) throws {
        let object = try document.object(place)
        let kind = try object.string("kind", in: place)
        let members = JSON.object(JSONObject(object.members.filter { $0.name != "kind" }.map { ($0.name, $0.value) }))
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try members.decode(type, place: "\(place): \(kind)", unknownMembers: .refused)
        }
        self =
            switch kind {
            case "Team": .team(try decode(DeclaredTeam.self))
            case "Rule": .rule(try decode(DeclaredRule.self))
            case "Anchor": .anchor(try decode(DeclaredAnchor.self))
            case "Policy": .policy(try decode(DeclaredPolicy.self))
            case "Fleet": .fleet(try decode(DeclaredFleet.self))
            case "FleetPolicy": .fleetPolicy(try decode(DeclaredFleetPolicy.self))
            case "RoleBinding": .roleBinding(try decode(DeclaredBinding.self))
            default:
                throw DeclarationError(
                    .form, "\(place): there is no kind \"\(kind.prefix(40))\"",
                    hint: "one of \(Self.kinds.joined(separator: ", "))")
            }
    }

    /// The document as a file has it.
    package var document: JSON {
        get throws {
            let (kind, body): (String, JSON) =
                switch self {
                case .team(let team): ("Team", try JSON(encoding: team))
                case .rule(let rule): ("Rule", try JSON(encoding: rule))
                case .anchor(let anchor): ("Anchor", try JSON(encoding: anchor))
                case .policy(let policy): ("Policy", try JSON(encoding: policy))
                case .fleet(let fleet): ("Fleet", try JSON(encoding: fleet))
                case .fleetPolicy(let policy): ("FleetPolicy", try JSON(encoding: policy))
                case .roleBinding(let binding): ("RoleBinding", try JSON(encoding: binding))
                }
            let members = try body.object(kind).members.map { ($0.name, $0.value) }
            return .object(JSONObject([("kind", .string(kind))] + members))
        }
    }

    /// What it is about; no two documents are about the same.
    package var subject: String {
        switch self {
        case .team(let team): "team \(team.name)"
        case .rule(let rule): "rule \(rule.name)"
        case .anchor(let anchor): "anchor \(anchor.sha256.prefix(16)) in \(anchor.team)/\(anchor.store)"
        case .policy(let policy): "policy of team \(policy.team)"
        case .fleet(let fleet): "fleet \(fleet.name)"
        case .fleetPolicy(let policy): "policy of fleet \(policy.fleet)"
        case .roleBinding(let binding): binding.subject
        }
    }
}

/// `kind: Team`
package struct DeclaredTeam: Codable, Sendable, Equatable {
    package let name: TeamName
    package let displayName: String?
    package let scopes: [RegistryScope]?
    package let stores: [DeclaredStore]?

    package init(
        name: TeamName, displayName: String? = nil, scopes: [RegistryScope]? = nil, stores: [DeclaredStore]? = nil
    ) {
        self.name = name
        self.displayName = displayName
        self.scopes = scopes
        self.stores = stores
    }
}

/// A store of a team, written `ca/prod`.
package struct DeclaredStore: Codable, Sendable, Hashable, CustomStringConvertible {
    package let kind: TrustStoreKind
    package let name: TrustStoreName

    package init(kind: TrustStoreKind, name: TrustStoreName) {
        self.kind = kind
        self.name = name
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let kind = TrustStoreKind(rawValue: parts[0]) else {
            throw DeclarationError(
                .form, "\"\(text.prefix(100))\" is no store", hint: "ca/NAME, signingAuthority/NAME or tsa/NAME")
        }
        self.init(kind: kind, name: try TrustStoreName(parts[1]))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var description: String { "\(kind.rawValue)/\(name)" }
}

/// `kind: Policy`; no statements for the standard policy.
package struct DeclaredPolicy: Codable, Sendable, Equatable {
    package let team: TeamName
    package let statements: [TeamPolicy.Statement]?

    package init(team: TeamName, statements: [TeamPolicy.Statement]?) {
        self.team = team
        self.statements = statements
    }
}

/// `kind: Fleet`
package struct DeclaredFleet: Codable, Sendable, Equatable {
    package let name: FleetName
    package let displayName: String?
    package let profile: FleetProfile?
    /// Of every enforcer.
    package let mode: EnforcementMode?
    package let teams: [TeamName]?

    package init(
        name: FleetName, displayName: String? = nil, profile: FleetProfile? = nil, mode: EnforcementMode? = nil,
        teams: [TeamName]? = nil
    ) {
        self.name = name
        self.displayName = displayName
        self.profile = profile
        self.mode = mode
        self.teams = teams
    }
}

/// `kind: FleetPolicy`; all of it, and what is left out is as in a new fleet.
package struct DeclaredFleetPolicy: Codable, Sendable, Equatable {
    package let fleet: FleetName
    package let statements: [FleetPolicy.Statement]?
    package let standardLevel: VerificationLevel?
    package let floor: VerificationLevel?

    package init(
        fleet: FleetName, statements: [FleetPolicy.Statement]? = nil, standardLevel: VerificationLevel? = nil,
        floor: VerificationLevel? = nil
    ) {
        self.fleet = fleet
        self.statements = statements
        self.standardLevel = standardLevel
        self.floor = floor
    }

    var policy: FleetPolicy {
        FleetPolicy(statements: statements ?? [], standardLevel: standardLevel, floor: floor)
    }
}

/// `kind: RoleBinding`; with neither a team nor a fleet it is bound to everything.
package struct DeclaredBinding: Codable, Sendable, Hashable {
    package let person: String
    package let role: PersonRole
    package let team: TeamName?
    package let fleet: FleetName?

    package init(person: String, role: PersonRole, team: TeamName? = nil, fleet: FleetName? = nil) {
        self.person = person
        self.role = role
        self.team = team
        self.fleet = fleet
    }

    /// As operations write it.
    var reach: String { team.map { "team:\($0)" } ?? fleet.map { "fleet:\($0)" } ?? "everything" }
    var subject: String { "\(role.rawValue) \(person) on \(reach)" }
}
