import Codecs
import HTTPTypes
import PKI
import RoadsteadWire
import TrustModel

@testable import RoadsteadServer

/// Who may do something to what is theirs, and to what is others', by the table of roles in the design.
struct PermissionRule: Sendable {
    let own: Set<PermissionCaller>
    let foreign: Set<PermissionCaller>

    /// What reaches everything is the same on both sides.
    init(_ own: Set<PermissionCaller>, foreign: Set<PermissionCaller>? = nil) {
        self.own = own
        self.foreign = foreign ?? own
    }

    private static let readers: Set<PermissionCaller> = [.admin, .officer, .auditor, .readOnly, .machine]
    private static let ofTeam: Set<PermissionCaller> = [.teamOfficer, .teamAdmin, .limited]
    private static let everybody = Set(PermissionCaller.allCases)

    static let readTeam = PermissionRule(readers.union(ofTeam).union([.teamMember, .teamAuditor]), foreign: readers)
    static let commentTeam = PermissionRule(
        readTeam.own.subtracting([.readOnly]), foreign: readTeam.foreign.subtracting([.readOnly]))
    static let reviewBreakGlass = PermissionRule([.admin, .officer])
    static let readFleet = PermissionRule(
        readers.union([.operatorOfAll, .fleetOperator, .fleetAuditor]), foreign: readers.union([.operatorOfAll]))
    static let readGovernance = PermissionRule(readers)
    static let administer = PermissionRule([.admin, .machine])
    static let createStore = PermissionRule([.admin, .machine, .limited, .teamAdmin], foreign: [.admin, .machine])
    static let propose = PermissionRule(
        [.admin, .machine, .limited, .teamAdmin, .teamMember], foreign: [.admin, .machine])
    static let remove = PermissionRule(
        ofTeam.union([.admin, .officer, .machine]), foreign: [.admin, .officer, .machine])
    static let proposeRemoval = PermissionRule(
        ofTeam.union([.admin, .officer, .machine, .teamMember]), foreign: [.admin, .officer, .machine])
    /// Whoever agrees to it does not propose it.
    static let proposeLifting = PermissionRule([.officer, .teamOfficer, .teamAdmin], foreign: [.officer])
    /// Machines never agree, and never sign.
    static let approve = PermissionRule(ofTeam.union([.admin, .officer]), foreign: [.admin, .officer])
    static let holdKey = PermissionRule(
        ofTeam.union([.admin, .officer, .teamMember]), foreign: [.admin, .officer])
    static let holdOrRemove = PermissionRule(
        ofTeam.union([.admin, .officer, .teamMember, .machine]), foreign: [.admin, .officer, .machine])
    static let denyEverywhere = PermissionRule([.admin, .officer, .machine])
    static let createFleet = PermissionRule([.admin, .machine, .operatorOfAll])
    static let operateFleet = PermissionRule(
        [.admin, .machine, .operatorOfAll, .fleetOperator], foreign: [.admin, .machine, .operatorOfAll])
    static let readWholeAudit = PermissionRule(readers)
    /// What the role reaches, whatever else there is.
    static let exportAudit = PermissionRule([.auditor, .teamAuditor, .fleetAuditor])
    static let themselves = PermissionRule(everybody)
    static let writeThemselves = PermissionRule(everybody.subtracting([.readOnly]))
    /// A token that is limited revokes itself alone.
    static let revokeOthers = PermissionRule(everybody.subtracting([.readOnly, .limited]))
    /// What makes a credential or an identity takes a person's token without limits.
    static let personThemselves = PermissionRule(everybody.subtracting([.readOnly, .limited, .machine]))
    /// Only who made it, and none of the callers did.
    static let author = PermissionRule([])
}

/// One operation as one row: how it is called, and who gets through.
struct PermissionRow: Sendable {
    /// How a refusal looks.
    enum Refusal: Sendable {
        /// 403, whether or not there is such a thing.
        case forbidden
        /// 404, as for what does not exist.
        case hidden
        /// 404 for who may not see it, 403 for who may.
        case either
        /// 200 without the place's things.
        case leftOut(@Sendable (PermissionPlace) -> String)
    }

    let rule: PermissionRule
    var refusal = Refusal.forbidden
    /// The address; braces are filled from the place where nothing is said.
    var path: (@Sendable (PermissionPlace, Int) -> String)?
    var body: (@Sendable (PermissionPlace) throws -> any Encodable)?
    var headers: HTTPFields = [:]

    init(
        _ rule: PermissionRule, _ refusal: Refusal = .forbidden, headers: HTTPFields = [:],
        body: (@Sendable (PermissionPlace) throws -> any Encodable)? = nil
    ) {
        self.rule = rule
        self.refusal = refusal
        self.headers = headers
        self.body = body
    }

    /// The same at an address whose identifiers are filled in.
    func at(_ path: @escaping @Sendable (PermissionPlace, Int) -> String) -> PermissionRow {
        var row = self
        row.path = path
        return row
    }

    /// A list that names the team, or the fleet, of what is in it.
    static func list(
        _ rule: PermissionRule, _ path: String, _ word: @escaping @Sendable (PermissionPlace) -> String
    ) -> PermissionRow {
        PermissionRow(rule, .leftOut(word)).at { _, _ in "\(path)?limit=1000" }
    }
}

/// What the design's table of roles says about every operation. An operation that has no row here fails the test.
enum PermissionTable {
    private static let team: @Sendable (PermissionPlace) -> String = { "\"\($0.team)\"" }
    private static let fleet: @Sendable (PermissionPlace) -> String = { "\"\($0.fleet)\"" }
    private static let change: @Sendable (PermissionPlace, Int) -> String = { place, _ in "/v1/changes/\(place.change)"
    }

    private static func change(_ verb: String) -> @Sendable (PermissionPlace, Int) -> String {
        { place, _ in "/v1/changes/\(place.change)/\(verb)" }
    }

    /// A digest that is not the change's: whoever may decide is told so.
    private static let decision: @Sendable (PermissionPlace) -> any Encodable = { _ in
        DecisionRequest(digest: String(repeating: "0", count: 64))
    }

    private static func proposal(_ operation: OperationBody, of team: String? = nil) throws -> ChangeRequest {
        ChangeRequest(team: try team.map { try TeamName($0) }, operations: [operation], justification: "why not")
    }

    /// Operations for which nobody signs in.
    static let proven: Set<String> = [
        "GET /v1/sign-in", "POST /v1/sign-in",
        "POST /v1/bootstrap", "POST /v1/invitations/accept", "POST /v1/enroll", "POST /v1/hosts/{id}/receipts",
        "POST /v1/hosts/{id}/metadata",
    ]

    static let rows: [String: [PermissionRow]] = [
        // People.
        "GET /v1/whoami": [PermissionRow(.themselves)],
        "GET /v1/can-i": [PermissionRow(.themselves).at { place, _ in "/v1/can-i?object=team:\(place.team)" }],
        "GET /v1/tokens": [PermissionRow(.themselves)],
        "POST /v1/tokens": [
            PermissionRow(.writeThemselves) { _ in TokenRequest(label: "another", expiresInDays: 1) }
        ],
        "DELETE /v1/tokens/{id}": [PermissionRow(.revokeOthers).at { _, _ in "/v1/tokens/99999" }],
        "GET /v1/identities": [PermissionRow(.themselves)],
        "POST /v1/identities/proofs": [
            PermissionRow(.personThemselves) { _ in IdentityProofRequest(token: "none") }
        ],
        "DELETE /v1/identities/{id}": [PermissionRow(.revokeOthers).at { _, _ in "/v1/identities/99999" }],
        "GET /v1/group-roles": [PermissionRow(.readGovernance)],
        "POST /v1/certificates": [PermissionRow(.personThemselves) { _ in CertificateRequest(label: "laptop") }],
        "POST /v1/invitations": [PermissionRow(.administer)],
        "GET /v1/invitations": [PermissionRow(.readGovernance)],
        "DELETE /v1/invitations/{id}": [PermissionRow(.administer).at { _, _ in "/v1/invitations/99999" }],
        "GET /v1/people": [PermissionRow(.readGovernance)],
        "DELETE /v1/people/{id}": [PermissionRow(.administer).at { _, _ in "/v1/people/99999" }],
        "GET /v1/role-bindings": [PermissionRow(.readGovernance)],
        "POST /v1/role-bindings": [PermissionRow(.administer)],
        "DELETE /v1/role-bindings/{id}": [
            PermissionRow(.administer).at { _, _ in "/v1/role-bindings/99999" }
        ],
        // Teams.
        "GET /v1/teams": [.list(.readTeam, "/v1/teams", team)],
        "POST /v1/teams": [PermissionRow(.administer)],
        "GET /v1/teams/{team}": [PermissionRow(.readTeam)],
        "DELETE /v1/teams/{team}": [PermissionRow(.administer)],
        "POST /v1/teams/{team}/scopes": [PermissionRow(.administer)],
        "DELETE /v1/teams/{team}/scopes": [PermissionRow(.administer)],
        "GET /v1/teams/{team}/stores": [PermissionRow(.readTeam)],
        "POST /v1/teams/{team}/stores": [PermissionRow(.createStore)],
        "GET /v1/repositories": [.list(.readTeam, "/v1/repositories") { $0.repository }],
        "POST /v1/repositories": [
            PermissionRow(.propose) { RepositoryBody(repository: try RegistryScope($0.repository)) }
        ],
        "DELETE /v1/repositories": [
            PermissionRow(.propose).at { place, _ in "/v1/repositories?repository=\(place.repository)/gone" }
        ],
        "GET /v1/teams/{team}/policy": [PermissionRow(.readTeam)],
        "PUT /v1/teams/{team}/policy": [PermissionRow(.propose)],
        "GET /v1/root-rules": [PermissionRow(.readGovernance)],
        "POST /v1/root-rules": [PermissionRow(.administer)],
        "DELETE /v1/root-rules/{id}": [PermissionRow(.administer).at { _, _ in "/v1/root-rules/99999" }],
        "POST /v1/root-rules/explain": [
            PermissionRow(.readTeam) {
                RuleExplainRequest(
                    team: try TeamName($0.team), kind: .ca, origin: .own, certificate: $0.root.pem)
            }
        ],
        // Vendors, requests, reviews.
        "GET /v1/vendors": [PermissionRow(.themselves)],
        "GET /v1/vendors/{vendor}": [PermissionRow(.themselves).at { _, _ in "/v1/vendors/nowhere" }],
        "POST /v1/vendors/{vendor}/review": [
            PermissionRow(PermissionRule([.admin, .officer])) { _ in
                ReviewRequest(note: "fine", nextBy: SystemClock.now().adding(days: 9))
            }.at { _, _ in "/v1/vendors/nowhere/review" }
        ],
        "POST /v1/anchors/{id}/review": [
            PermissionRow(.approve, .either) { _ in
                ReviewRequest(note: "fine", nextBy: SystemClock.now().adding(days: 9))
            }.at { place, _ in "/v1/anchors/\(place.anchor)/review" }
        ],
        "GET /v1/requests": [PermissionRow(.themselves)],
        "GET /v1/requests/{number}": [PermissionRow(.themselves).at { _, _ in "/v1/requests/99999" }],
        "POST /v1/requests": [
            PermissionRow(.propose) {
                RequestAsk(
                    team: try TeamName($0.team), kind: .vendor, vendor: try VendorName("globex"), reason: "why not")
            }
        ],
        "POST /v1/requests/{number}/accept": [
            PermissionRow(PermissionRule([.admin, .officer])) { _ in RequestAnswer(answer: "yes") }
                .at { _, _ in "/v1/requests/99999/accept" }
        ],
        "POST /v1/requests/{number}/decline": [
            PermissionRow(PermissionRule([.admin, .officer])) { _ in RequestAnswer(answer: "no") }
                .at { _, _ in "/v1/requests/99999/decline" }
        ],
        "GET /v1/campaigns": [PermissionRow(.themselves)],
        "POST /v1/campaigns": [PermissionRow(.administer)],
        "GET /v1/campaigns/{number}": [PermissionRow(.themselves).at { _, _ in "/v1/campaigns/99999" }],
        "GET /v1/campaigns/{number}/items": [
            PermissionRow(.themselves).at { _, _ in "/v1/campaigns/99999/items" }
        ],
        "POST /v1/campaigns/{number}/close": [
            PermissionRow(.administer).at { _, _ in "/v1/campaigns/99999/close" }
        ],
        // An item that is not there says nothing about anybody's.
        "POST /v1/campaign-items/{id}/answer": [
            PermissionRow(.themselves) { _ in CampaignAnswer() }.at { _, _ in "/v1/campaign-items/99999/answer" }
        ],
        // Anchors, changes, denials.
        "GET /v1/anchors": [.list(.readTeam, "/v1/anchors", team)],
        "GET /v1/anchors/{id}": [
            PermissionRow(.readTeam, .hidden).at { place, _ in "/v1/anchors/\(place.anchor)" }
        ],
        "GET /v1/changes": [.list(.readTeam, "/v1/changes") { "\"number\":\($0.change)," }],
        "POST /v1/changes": [
            PermissionRow(.propose) {
                ChangeRequest(
                    team: try TeamName($0.team),
                    operations: [try PermissionScene.addition($0.root, store: "nowhere")], justification: "why not")
            },
            // Every kind has its row in OperationMatrixTests; these show that the API asks the same. None of them can be.
            PermissionRow(.proposeRemoval) { try proposal(.other(.removeAnchor(id: 99_999)), of: $0.team) },
            PermissionRow(.proposeLifting) { try proposal(.other(.liftDenial(id: 99_999)), of: $0.team) },
            PermissionRow(.remove) {
                let unknown = [String(repeating: "0", count: 64)]
                return try proposal(
                    .other(.setCustody(try CustodySetting(.team, keys: unknown, threshold: 1))), of: $0.team)
            },
            PermissionRow(.operateFleet) {
                try proposal(
                    .governed(RemoveFleetTeam(fleet: try FleetName($0.fleet), team: try TeamName("gamma"))))
            },
            PermissionRow(.operateFleet) {
                let subject = try PolicyException.Subject(
                    digest: "sha256:\(String(repeating: "0", count: 64))", scope: nil)
                return try proposal(
                    .governed(
                        try AddException(
                            fleet: try FleetName($0.fleet), subject: subject, until: UTCDate(seconds: 1),
                            owner: "nobody")))
            },
            PermissionRow(.denyEverywhere) { _ in
                try proposal(.governed(RemoveVendor(vendor: try VendorName("nowhere"))))
            },
            PermissionRow(.administer) { _ in
                try proposal(
                    .governed(try GrantRole(person: "nobody-here", try RoleBinding(.auditor, .everything))))
            },
        ],
        "GET /v1/changes/{number}": [PermissionRow(.readTeam, .hidden).at(change)],
        "PUT /v1/changes/{number}": [
            PermissionRow(.author, .either, headers: [.ifMatch: "\"1\""]) {
                ChangeEdit(operations: [try PermissionScene.addition($0.root)], justification: "otherwise")
            }.at(change)
        ],
        "POST /v1/changes/{number}/submit": [PermissionRow(.author, .either).at(change("submit"))],
        "POST /v1/changes/{number}/withdraw": [PermissionRow(.author, .either).at(change("withdraw"))],
        "POST /v1/changes/{number}/approve": [
            PermissionRow(.approve, .either, body: decision).at(change("approve"))
        ],
        "GET /v1/changes/{number}/comments": [PermissionRow(.readTeam, .hidden).at(change("comments"))],
        "GET /v1/changes/{number}/edits": [PermissionRow(.readTeam, .hidden).at(change("edits"))],
        "POST /v1/changes/{number}/comments": [
            PermissionRow(.commentTeam, .either) { _ in CommentRequest(comment: "why?") }.at(change("comments"))
        ],
        "POST /v1/changes/{number}/review": [
            PermissionRow(.reviewBreakGlass, .either) { _ in BreakGlassReviewRequest(note: "fine") }
                .at(change("review"))
        ],
        "GET /v1/inbox": [PermissionRow(.themselves)],
        "POST /v1/changes/{number}/reject": [PermissionRow(.approve, .either, body: decision).at(change("reject"))],
        "GET /v1/changes/{number}/preview": [PermissionRow(.readTeam, .hidden).at(change("preview"))],
        "POST /v1/changes/preview": [
            PermissionRow(.propose) {
                ChangeRequest(
                    team: try TeamName($0.team),
                    operations: [try PermissionScene.addition($0.root, store: "nowhere")], justification: "why not")
            }
        ],
        "GET /v1/denials": [.list(.readTeam, "/v1/denials") { $0.denied }],
        "POST /v1/denials": [
            PermissionRow(.remove) {
                DenialRequest(
                    kind: .certificate, value: $0.denied, team: try TeamName($0.team), reason: "stolen")
            },
            PermissionRow(.denyEverywhere) { _ in
                DenialRequest(kind: .key, value: String(repeating: "cc", count: 32), team: nil, reason: "stolen")
            },
        ],
        "GET /v1/denials/{id}": [
            PermissionRow(.readTeam, .hidden).at { place, _ in "/v1/denials/\(place.denial)" }
        ],
        // Custody.
        "GET /v1/teams/{team}/custody": [PermissionRow(.readTeam)],
        "GET /v1/teams/{team}/keys": [PermissionRow(.readTeam)],
        "POST /v1/teams/{team}/keys": [PermissionRow(.holdKey)],
        "DELETE /v1/teams/{team}/keys/{id}": [
            PermissionRow(
                .holdOrRemove
            ).at { place, _ in "/v1/teams/\(place.team)/keys/\(String(repeating: "0", count: 64))" }
        ],
        "GET /v1/teams/{team}/role-drafts": [PermissionRow(.readTeam)],
        "GET /v1/changes/{number}/role-draft": [
            PermissionRow(.readTeam, .hidden).at { place, _ in "/v1/changes/\(place.signedChange)/role-draft" }
        ],
        "GET /v1/role-drafts/{id}": [
            PermissionRow(.readTeam, .hidden).at { place, _ in "/v1/role-drafts/\(place.draft)" }
        ],
        // The draft's own key, and a signature that is none: nobody's is taken.
        "POST /v1/role-drafts/{id}/signatures": [
            PermissionRow(.readTeam, .hidden) { RoleSignatureRequest(keyID: $0.key, signature: "00") }
                .at { place, _ in "/v1/role-drafts/\(place.draft)/signatures" }
        ],
        // Fleets and hosts.
        "GET /v1/fleets": [.list(.readFleet, "/v1/fleets", fleet)],
        "POST /v1/fleets": [PermissionRow(.createFleet)],
        "GET /v1/fleets/{fleet}": [PermissionRow(.readFleet)],
        "POST /v1/fleets/{fleet}/teams": [PermissionRow(.operateFleet)],
        "DELETE /v1/fleets/{fleet}/teams/{team}": [
            PermissionRow(.operateFleet).at { place, _ in "/v1/fleets/\(place.fleet)/teams/nowhere" }
        ],
        "PUT /v1/fleets/{fleet}/mode": [PermissionRow(.operateFleet)],
        "PUT /v1/fleets/{fleet}/settings": [PermissionRow(.operateFleet)],
        "GET /v1/fleets/{fleet}/policy": [PermissionRow(.readFleet)],
        "GET /v1/fleets/{fleet}/policy/explain": [
            PermissionRow(.readFleet).at { place, _ in
                "/v1/fleets/\(place.fleet)/policy/explain?scope=\(place.repository)"
            }
        ],
        // None are made here: exceptions have tests of their own.
        "GET /v1/exceptions": [PermissionRow(.themselves)],
        "GET /v1/fleets/{fleet}/releases": [PermissionRow(.readFleet)],
        "POST /v1/fleets/{fleet}/releases": [PermissionRow(.operateFleet)],
        "PUT /v1/fleets/{fleet}/source": [
            PermissionRow(.operateFleet) { _ in FleetSourceRequest(promotesFrom: try FleetName("nowhere")) }
        ],
        "POST /v1/fleets/{fleet}/promotions": [PermissionRow(.operateFleet)],
        "POST /v1/fleets/{fleet}/hot-fixes": [PermissionRow(.operateFleet)],
        "GET /v1/fleets/{fleet}/warnings": [PermissionRow(.readFleet)],
        "POST /v1/fleets/{fleet}/join-tokens": [PermissionRow(.operateFleet)],
        "GET /v1/hosts": [.list(.readFleet, "/v1/hosts", fleet)],
        "GET /v1/hosts/{id}": [
            PermissionRow(.readFleet, .hidden).at { place, _ in "/v1/hosts/\(place.hosts[39])" }
        ],
        "DELETE /v1/hosts/{id}": [
            PermissionRow(.operateFleet, .either).at { place, caller in "/v1/hosts/\(place.hosts[caller])" }
        ],
        "GET /v1/halts": [PermissionRow(.readFleet, .leftOut(fleet))],
        // Ceremonies.
        "GET /v1/ceremonies": [.list(.readFleet, "/v1/ceremonies", fleet)],
        "POST /v1/ceremonies": [PermissionRow(.administer)],
        "GET /v1/ceremonies/{id}": [
            PermissionRow(.readFleet, .hidden).at { place, _ in "/v1/ceremonies/\(place.ceremony)" }
        ],
        "POST /v1/ceremonies/{id}/signatures": [
            PermissionRow(.administer).at { place, _ in "/v1/ceremonies/\(place.ceremony)/signatures" }
        ],
        "POST /v1/ceremonies/{id}/close": [
            PermissionRow(.administer).at { place, _ in "/v1/ceremonies/\(place.ceremony)/close" }
        ],
        // The audit log.
        "GET /v1/audit": [
            .list(.readTeam, "/v1/audit") { "\"registry.example.com/\($0.team)\"" },
            .list(.readFleet, "/v1/audit") { "\"object\":\"\($0.fleet)\"" },
        ],
        "GET /v1/audit/verification": [PermissionRow(.readWholeAudit)],
        "GET /v1/audit/export": [PermissionRow(.exportAudit)],
        "GET /v1/reports/who-trusted": [PermissionRow(.themselves)],
        "GET /v1/reports/fleets": [PermissionRow(.themselves)],
        // Webhooks.
        "GET /v1/webhooks": [PermissionRow(.administer)],
        "POST /v1/webhooks": [PermissionRow(.administer)],
        "DELETE /v1/webhooks/{id}": [PermissionRow(.administer).at { _, _ in "/v1/webhooks/99999" }],
        "POST /v1/webhooks/{id}/test": [PermissionRow(.administer).at { _, _ in "/v1/webhooks/99999/test" }],
        "GET /v1/webhooks/{id}/deliveries": [
            PermissionRow(.administer).at { _, _ in "/v1/webhooks/99999/deliveries" }
        ],
    ]
}
