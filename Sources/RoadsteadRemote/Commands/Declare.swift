import ArgumentParser
import Codecs
import Declarations
import RoadsteadCommand
import RoadsteadWire
import TrustModel

/// Where the files are, and what is done about what they do not name.
struct DeclarationOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: ArgumentHelp("A file or directory, or - for standard input; once for each.", valueName: "path"))
    var file: [String]

    @Flag(help: "Also take away what the files do not name, of what they speak about.")
    var prune = false

    /// What the server has and the files say otherwise.
    func plan(_ client: APIClient) async throws -> DeclarationPlan {
        let declared = try DeclarationFiles.read(file)
        let present = try await PresentState(of: client, for: declared)
        return try DeclarationPlan(declared, present: present, prunes: prune)
    }
}

struct DiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show how the server differs from files. Exit status 1 says that it does.",
        discussion: """
            Nothing is changed. For example, to notice drift every night:
              roadstead diff -f trust/ --prune
            """)
    @OptionGroup var files: DeclarationOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let plan = try await connection.withClient { try await files.plan($0) }
        try connection.show(PlanSummary(plan)) { _ in plan.show() }
        guard plan.differences.isEmpty else { throw ExitCode(ExitStatus.refused) }
    }
}

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Make the server as files say, by changes that are approved as always.",
        discussion: """
            Shows what differs, then proposes it: one change for each group of people that decides. Doing it again \
            changes nothing, also while the first changes wait: exit status 4 says that they do. What the files do not \
            name stays, unless --prune is given. Begin with what is there:
              roadstead get all > trust/all.yaml
              roadstead apply -f trust/ --reason "as agreed in #12"
            """)
    @OptionGroup var files: DeclarationOptions
    @Flag(help: "Do not ask before something is taken away.") var yes = false
    @OptionGroup var why: ReasonOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let (plan, outcome) = try await connection.withClient { client -> (DeclarationPlan, ApplyOutcome) in
            let plan = try await files.plan(client)
            if connection.output == .text { plan.show() }
            guard !why.dryRun else { return (plan, ApplyOutcome()) }
            try agree(to: plan)
            return (plan, try await plan.carryOut(why, client))
        }
        try connection.show(PlanSummary(plan, outcome)) { _ in }
        try outcome.requireInForce()
    }

    private func agree(to plan: DeclarationPlan) throws {
        for difference in plan.differences {
            guard case .impossible(let reason) = difference.step else { continue }
            throw RemoteError(.refused, "nothing was done: \(difference.what): \(reason)", hint: "mend the files")
        }
        let removals = plan.differences.count { $0.sign == .remove }
        guard removals > 0, !yes else { return }
        guard Terminal.confirms("take away \(removals)?") else {
            throw RemoteError(.usage, "nothing was done: removals were not confirmed", hint: "answer y, or give --yes")
        }
    }
}

/// What applying came to.
struct ApplyOutcome: Sendable {
    /// Changes that others must agree to.
    var waiting: [String] = []
    /// What cannot be proposed before something else is in force.
    var held: [String] = []

    func requireInForce() throws {
        guard !waiting.isEmpty || !held.isEmpty else { return }
        let later = held.isEmpty ? [] : ["apply again when that is in force, for: \(held.joined(separator: ", "))"]
        throw AcceptedWaiting(message: (waiting + later).joined(separator: "\n"))
    }
}

/// A plan for programs.
private struct PlanSummary: Encodable {
    struct Difference: Encodable {
        let sign: String
        let what: String
    }

    let differences: [Difference]
    let summary: String
    let waiting: [String]
    let held: [String]

    init(_ plan: DeclarationPlan, _ outcome: ApplyOutcome = ApplyOutcome()) {
        differences = plan.differences.map { Difference(sign: $0.sign.rawValue, what: $0.what) }
        summary = plan.summary
        (waiting, held) = (outcome.waiting, outcome.held)
    }
}

extension DeclarationPlan {
    fileprivate func show() {
        for difference in differences {
            var line = "\(difference.sign.rawValue) \(difference.what)"
            if case .impossible(let reason) = difference.step { line += " (cannot be: \(reason))" }
            Terminal.show(line)
        }
        Terminal.show(differences.isEmpty ? "nothing differs" : summary)
    }

    /// Administration first, then what the caller makes alone, then what builds on both.
    func carryOut(_ why: ReasonOptions, _ client: APIClient) async throws -> ApplyOutcome {
        var outcome = ApplyOutcome()
        let changes = try changes
        let open: [OpenChange] =
            changes.isEmpty
            ? [] : try await client.all("/v1/changes", [("mine", "true"), ("state", ChangeState.submitted.rawValue)])
        var isSettled = true
        for change in changes where change.isAdministration {
            isSettled = try await propose(change, why, open, client, &outcome) && isSettled
        }
        for difference in differences {
            guard difference.needs.isEmpty || isSettled else {
                if !difference.isAdministration { outcome.held.append(difference.what) }
                continue
            }
            switch difference.step {
            case .makeStore(let store):
                let _: StoreBody = try await client.send(
                    .post, "/v1/teams/\(store.team)/stores", StoreRequest(kind: store.kind, name: store.name))
            case .makeFleet(let fleet): let _: FleetBody = try await client.send(.post, "/v1/fleets", fleet)
            case .propose, .impossible: continue
            }
        }
        for change in changes where !change.isAdministration && (change.needs.isEmpty || isSettled) {
            _ = try await propose(change, why, open, client, &outcome)
        }
        return outcome
    }

    /// Whether it is in force.
    private func propose(
        _ change: ProposedOperations, _ why: ReasonOptions, _ open: [OpenChange], _ client: APIClient,
        _ outcome: inout ApplyOutcome
    ) async throws -> Bool {
        if let same = try open.first(where: { try change.isAskedFor(by: $0.team, $0.operations) }) {
            outcome.waiting.append(
                "C-\(same.number) asks for this already and waits: roadstead change show C-\(same.number)")
            return false
        }
        let request = ChangeRequest(
            team: change.team, operations: try change.operations.map { try $0.decode(place: "operation") },
            justification: why.reason, ticket: why.ticket)
        let made: ChangeBody = try await client.send(.post, "/v1/changes", request)
        if let waiting = made.waiting {
            outcome.waiting.append(waiting)
            return false
        }
        Terminal.note("C-\(made.number) is \(made.state.rawValue)")
        return true
    }
}

/// A change as it is compared with what would be proposed.
private struct OpenChange: Codable, Sendable {
    let number: Int64
    let team: TeamName?
    let operations: [JSON]
}

extension PresentState {
    /// Asks a server for what the declarations speak of, and no more.
    init(of client: APIClient, for declared: [Declaration]) async throws {
        var speaks: Set<String> = []
        var (policies, fleetPolicies): ([PolicyBody], [FleetPolicyBody]) = ([], [])
        var fleets: [FleetBody]?
        let teams: [TeamBody] = try await client.all("/v1/teams")
        for declaration in declared {
            switch declaration {
            case .team: break
            case .rule: speaks.insert("rules")
            case .anchor: speaks.insert("anchors")
            case .fleet: speaks.insert("fleets")
            case .roleBinding: speaks.insert("roles")
            case .policy(let policy) where teams.contains { $0.name == policy.team }:
                policies.append(try await client.get("/v1/teams/\(policy.team)/policy"))
            case .policy: break
            case .fleetPolicy(let policy):
                if fleets == nil { fleets = try await client.all("/v1/fleets") }
                guard fleets?.contains(where: { $0.name == policy.fleet }) == true else { continue }
                fleetPolicies.append(try await client.get("/v1/fleets/\(policy.fleet)/policy"))
            }
        }
        if speaks.contains("fleets"), fleets == nil { fleets = try await client.all("/v1/fleets") }
        self.init(
            teams: teams, rules: speaks.contains("rules") ? try await client.all("/v1/root-rules") : [],
            anchors: speaks.contains("anchors") ? try await client.all("/v1/anchors", [("state", "active")]) : [],
            policies: policies, fleets: fleets ?? [], fleetPolicies: fleetPolicies,
            bindings: speaks.contains("roles") ? try await client.all("/v1/role-bindings") : [])
    }

    /// Everything of the kinds that are asked for.
    init(of client: APIClient, kinds: Set<GetCommand.What>) async throws {
        let isAll = kinds.contains(.all)
        func wants(_ kind: GetCommand.What) -> Bool { isAll || kinds.contains(kind) }
        let teams: [TeamBody] =
            wants(.teams) || wants(.policies) || wants(.stores) ? try await client.all("/v1/teams") : []
        var anchors: [AnchorBody] = []
        if wants(.anchors) {
            let listed: [AnchorBody] = try await client.all("/v1/anchors", [("state", "active")])
            for anchor in listed { anchors.append(try await client.get("/v1/anchors/\(anchor.id)")) }
        }
        var policies: [PolicyBody] = []
        if wants(.policies) {
            for team in teams { policies.append(try await client.get("/v1/teams/\(team.name)/policy")) }
        }
        let fleets: [FleetBody] = wants(.fleets) ? try await client.all("/v1/fleets") : []
        var fleetPolicies: [FleetPolicyBody] = []
        for fleet in fleets { fleetPolicies.append(try await client.get("/v1/fleets/\(fleet.name)/policy")) }
        self.init(
            teams: wants(.teams) || wants(.stores) ? teams : [],
            rules: wants(.rules) ? try await client.all("/v1/root-rules") : [], anchors: anchors, policies: policies,
            fleets: fleets, fleetPolicies: fleetPolicies,
            bindings: wants(.roles) ? try await client.all("/v1/role-bindings") : [])
    }
}

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Write the present state as files that `apply` takes.",
        discussion: """
            YAML unless --output json is given. What is applied again as it was written changes nothing:
              roadstead get all > trust.yaml; roadstead diff -f trust.yaml
            """)

    enum What: String, CaseIterable, ExpressibleByArgument, Sendable {
        case all, teams, stores, rules, anchors, policies, fleets, roles
    }

    @Argument(help: "all, teams, stores, rules, anchors, policies, fleets or roles; several are one file.")
    var what: [What]
    @Option(help: "Only what one team has.", transform: TeamName.init) var team: TeamName?
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let present = try await connection.withClient { try await PresentState(of: $0, kinds: Set(what)) }
        let documents = try present.declarations.filter { team == nil || $0.team == team }.map { try $0.document }
        if connection.output == .json {
            try Terminal.show(JSON.array(documents))
        } else {
            Terminal.showWhole(YAMLText.documents(documents))
        }
    }
}

extension Declaration {
    /// The team that it is about, if it is about one.
    fileprivate var team: TeamName? {
        switch self {
        case .team(let team): team.name
        case .rule(let rule): rule.team
        case .anchor(let anchor): anchor.team
        case .policy(let policy): policy.team
        case .fleet, .fleetPolicy: nil
        case .roleBinding(let binding): binding.team
        }
    }
}
