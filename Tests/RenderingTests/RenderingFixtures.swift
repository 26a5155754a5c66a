import Codecs
import PKI
import SigningKeys
import Testing
import TrustModel

/// A moment at which everything in these tests is valid.
let now = UTCDate(seconds: 1_795_000_000)

func makeRoot(_ name: String) async throws -> Certificate {
    try await CertificateBuilder.root(
        subject: DistinguishedName("C=US, ST=WA, O=Example, CN=\(name)"), signer: PrivateKey.generate(.ec(.p256)),
        validity: .init(from: now.adding(days: -10), days: 3_650))
}

func team(_ name: String) throws -> TeamName { try TeamName(name) }
func scope(_ text: String) throws -> RegistryScope { try RegistryScope(text) }
func store(_ team: String, _ name: String, _ kind: TrustStoreKind = .ca) throws -> TrustStoreID {
    TrustStoreID(team: try TeamName(team), kind: kind, name: try TrustStoreName(name))
}

/// One team with one store, and what it says.
struct TeamFixture {
    var name: String
    var scopes: [String]
    var stores: [String: [Certificate]] = [:]
    var statementScopes: [String]?
    var identities = ["*"]
    var level = "strict"
    var constraints: [TeamPolicy.AnchorConstraint] = []
    var allowed: [FleetSettings.AllowedAnchor]?
    /// Replaces the policy's bytes.
    var rawPolicy: [UInt8]?
    /// What the statement refers to; every store unless said.
    var references: [String]?

    var settings: FleetSettings.Team {
        get throws {
            FleetSettings.Team(
                name: try TeamName(name), scopes: try scopes.map { try RegistryScope($0) }, custody: .server,
                allowedAnchors: allowed)
        }
    }

    var targets: TeamTargets {
        get throws {
            let team = try TeamName(name)
            let references = try (references ?? stores.keys.sorted()).map {
                TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName($0))
            }
            let statement = TeamPolicy.Statement(
                name: "images", registryScopes: try (statementScopes ?? scopes).map { try RegistryScope($0) },
                level: level, stores: references, trustedIdentities: identities)
            let policy = TeamPolicy(team: team, statements: [statement], constraints: constraints)
            var files: [TrustStoreID: [UInt8]] = [:]
            for (name, anchors) in stores {
                files[TrustStoreID(team: team, kind: .ca, name: try TrustStoreName(name))] = Array(
                    anchors.map(\.pem).joined().utf8)
            }
            return TeamTargets(team: team, policy: try rawPolicy ?? policy.publishedBytes(), stores: files)
        }
    }
}

/// Merges what some teams say.
func merge(
    _ teams: [TeamFixture], denials: [DenyDocument.Denial] = [], repositories: [String] = [],
    unavailable: [String] = [], lastGood: [TeamFixture] = []
) throws -> TrustMerge.Outcome {
    let settings = FleetSettings(
        fleet: try FleetName("prod"), fleetID: try FleetID(String(repeating: "a", count: 32)),
        teams: try teams.map { try $0.settings }, enforcers: [])
    let states = try teams.map { team -> (TeamName, TeamState) in
        let isGone = unavailable.contains(team.name)
        return (try TeamName(team.name), isGone ? .unavailable("its role has expired") : .verified(try team.targets))
    }
    let kept = try lastGood.map { (try TeamName($0.name), try $0.targets) }
    return TrustMerge(
        settings: settings, ops: OpsSettings(repositories: try repositories.map { try RegistryScope($0) }),
        deny: DenyDocument(denials: denials), teams: Dictionary(uniqueKeysWithValues: states),
        lastGood: Dictionary(uniqueKeysWithValues: kept), release: 7, issued: now
    ).merged()
}

func denial(_ subject: DenialSubject, team: String? = nil) throws -> DenyDocument.Denial {
    DenyDocument.Denial(
        id: "D-1", subject: subject, team: try team.map { try TeamName($0) }, reason: "compromised", issued: now)
}

/// The policy of a tree as Notation would read it.
func policy(_ tree: NotationTree) throws -> NotationPolicy {
    let file = try #require(tree.files.first { $0.path == "trustpolicy.json" })
    return try NotationPolicy(parsing: file.bytes)
}

func isRejecting(_ tree: NotationTree, _ repository: String) throws -> Bool {
    let statement = try #require(try policy(tree).statement(for: repository))
    return statement.trustStores.map(\.description) == ["ca:roadstead-rejected"]
}
