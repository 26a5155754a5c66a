import ArgumentParser
import RoadsteadWire
import TrustModel

struct RuleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rule", abstract: "Root rules: which roots may be registered, by whom, with how many approvals.",
        discussion: "What no rule allows is refused.",
        subcommands: [Set.self, List.self, Remove.self, Explain.self], aliases: ["root-rule"])

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a rule, in place of the one of that name where there is one.", aliases: ["add"])
        @Argument(help: "Name of the rule.") var name: String
        @Option(help: "allow or deny.") var effect = RuleEffect.allow
        @Option(help: "Approvals needed, at least 1.") var approvals = 1
        @Option(help: "The team it holds for; every team unless said.", transform: TeamName.init) var team: TeamName?
        @Option(help: "own or third-party; either unless said.") var origin: AnchorOrigin?
        @Option(help: "A store kind it holds for; once for each.") var kind: [TrustStoreKind] = []
        @Option(help: "A key type that is allowed, such as ec-p256 or rsa; once for each.") var keyType: [String] = []
        @Option(help: "SHA-256 of an exact certificate; once for each.") var certificateSHA256: [String] = []
        @Option(help: "SHA-256 of an exact public key; once for each.") var keySHA256: [String] = []
        @Option(help: "Attributes that the subject must have, such as C=US,O=Acme.") var subject: String?
        @Option(help: "Least size of RSA keys.") var minimumRSABits: Int?
        @Option(help: "Longest validity of the certificate.") var maximumValidityDays: Int?
        @Flag(help: "Lets a self-signed signing certificate be its own anchor.") var allowSelfSignedLeaf = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let conditions = RuleConditions(
                certificateSHA256: certificateSHA256.nilIfEmpty, keySHA256: keySHA256.nilIfEmpty, subject: subject,
                keyTypes: keyType.nilIfEmpty, minimumRSABits: minimumRSABits, maximumValidityDays: maximumValidityDays,
                kinds: kind.nilIfEmpty, allowSelfSignedLeaf: allowSelfSignedLeaf ? true : nil)
            let made = try await connection.withClient { client -> Proposal<RootRuleBody> in
                let before: [RootRuleBody] = try await client.all("/v1/root-rules")
                let body = RootRuleBody(
                    name: name, team: team, origin: origin, effect: effect, approvals: approvals,
                    conditions: conditions, replaces: before.contains { $0.name == name } ? true : nil)
                return try await client.propose(.post, "/v1/root-rules", body)
            }
            try connection.finish(made) { Terminal.show("rule \($0.name): \($0.summary)") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List rules.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let rules: [RootRuleBody] = try await connection.withClient { try await $0.all("/v1/root-rules") }
            try connection.show(rules) { rules in
                Terminal.showTable(
                    ["ID", "NAME", "RULE"], rules.map { [$0.id.map(String.init) ?? "", $0.name, $0.summary] })
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a rule.", aliases: ["rm"])
        @Argument(help: "Name or id of the rule.") var rule: String
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let rules: [RootRuleBody] = try await connection.withClient { try await $0.all("/v1/root-rules") }
            guard let found = rules.first(where: { $0.name == rule || $0.id.map(String.init) == rule }) else {
                throw RemoteError(.refused, "there is no root rule \"\(rule)\"", hint: "roadstead rule list")
            }
            try await administer(
                [try RemoveRule(rule: found.name)], why, connection, note: "rule \(found.name) is gone")
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say what the rules make of a certificate, and why.")
        @Argument(help: "PEM file, or - for standard input.") var certificate: String
        @Option(help: "The team that would register it.", transform: TeamName.init) var team: TeamName
        @Option(help: "ca, signingAuthority or tsa.") var kind = TrustStoreKind.ca
        @Option(help: "own or third-party.") var origin = AnchorOrigin.own
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let body = RuleExplainRequest(
                team: team, kind: kind, origin: origin, certificate: try readText(certificate))
            let answer: RuleExplanation = try await connection.withClient {
                try await $0.send(.post, "/v1/root-rules/explain", body)
            }
            try connection.show(answer) { answer in
                let rule = answer.rule.map { " by rule \($0)" } ?? ""
                Terminal.show(
                    answer.allowed ? "allowed\(rule), needs \(answer.approvals) approval(s)" : "refused\(rule)")
                for reason in answer.reasons { Terminal.show("  \(reason)") }
            }
            guard answer.allowed else { throw ExitCode(ExitStatus.refused) }
        }
    }
}

extension RootRuleBody {
    fileprivate var summary: String {
        let origin = origin.map { "\($0.rawValue) " } ?? ""
        let team = team.map { "team \($0)" } ?? "every team"
        let limits = [
            conditions.kinds.map { "kinds \($0.map(\.rawValue).joined(separator: ","))" },
            conditions.keyTypes.map { "keys \($0.joined(separator: ","))" },
            conditions.subject.map { "subject \($0)" },
            conditions.minimumRSABits.map { "RSA from \($0) bits" },
            conditions.maximumValidityDays.map { "at most \($0) days" },
            conditions.certificateSHA256.map { "\($0.count) exact certificate(s)" },
            conditions.keySHA256.map { "\($0.count) exact key(s)" },
        ].compactMap(\.self)
        let tail = limits.isEmpty ? "" : " (\(limits.joined(separator: "; ")))"
        let approvals = effect == .allow ? ", \(approvals) approval(s)" : ""
        return "\(effect.rawValue) \(origin)roots for \(team)\(approvals)\(tail)"
    }
}

extension Array {
    fileprivate var nilIfEmpty: [Element]? { isEmpty ? nil : self }
}
