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
        @Option(help: "How many of the approvals by security officers.") var securityOfficers: Int?
        @Option(help: "How many of the approvals by people who hold no role in the team that asks.") var outsiders: Int?
        @Option(help: "What people are told whom a rule that denies refuses.") var because: String?
        @Option(help: "own or third-party, once for each; all unless said.") var origin: [AnchorOrigin] = []
        @Option(help: "A store kind it holds for; once for each.") var kind: [TrustStoreKind] = []
        @Option(help: "A key type that is allowed, such as ec-p256 or rsa; once for each.") var keyType: [String] = []
        @Option(help: "SHA-256 of an exact certificate; once for each.") var certificateSHA256: [String] = []
        @Option(help: "SHA-256 of an exact public key; once for each.") var keySHA256: [String] = []
        @Option(help: "SHA-256 of a certificate that the rule does not hold for; once for each.")
        var exceptCertificateSHA256: [String] = []
        @Option(help: "SHA-256 of a public key that the rule does not hold for; once for each.")
        var exceptKeySHA256: [String] = []
        @Option(help: "sha256, sha384 or sha512, the hash of the certificate's signature; once for each.")
        var signatureHash: [String] = []
        @Option(help: "A registered vendor through which it comes; once for each.", transform: VendorName.init)
        var vendor: [VendorName] = []
        @Flag(help: "Only what comes through a registered vendor, whichever it is.") var registeredVendor = false
        @Option(help: "Attributes that the subject must have, such as C=US,O=Acme.") var subject: String?
        @Option(help: "Least size of RSA keys.") var minimumRSABits: Int?
        @Option(help: "Longest validity of the certificate.") var maximumValidityDays: Int?
        @Flag(help: "Lets a self-signed signing certificate be its own anchor.") var allowSelfSignedLeaf = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let made = try await connection.withClient { client -> Proposal<RootRuleBody> in
                let before: [RootRuleBody] = try await client.all("/v1/root-rules")
                let body = RootRuleBody(
                    name: name, team: team, origins: origin.nilIfEmpty, effect: effect, approvals: approvals,
                    securityOfficers: securityOfficers, outsiders: outsiders, reason: because, conditions: conditions,
                    replaces: before.contains { $0.name == name } ? true : nil)
                return try await client.propose(.post, "/v1/root-rules", body)
            }
            try connection.finish(made) { Terminal.show("rule \($0.name): \($0.summary)") }
        }

        private var conditions: RuleConditions {
            RuleConditions(
                certificateSHA256: certificateSHA256.nilIfEmpty, keySHA256: keySHA256.nilIfEmpty,
                exceptCertificateSHA256: exceptCertificateSHA256.nilIfEmpty,
                exceptKeySHA256: exceptKeySHA256.nilIfEmpty, subject: subject, keyTypes: keyType.nilIfEmpty,
                minimumRSABits: minimumRSABits, maximumValidityDays: maximumValidityDays,
                signatureHashes: signatureHash.nilIfEmpty, kinds: kind.nilIfEmpty, vendors: vendor.nilIfEmpty,
                registeredVendor: registeredVendor ? true : nil,
                allowSelfSignedLeaf: allowSelfSignedLeaf ? true : nil)
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
        @Option(name: [.customLong("type"), .customLong("kind")], help: "ca, signingAuthority or tsa.")
        var kind = TrustStoreKind.ca
        @Option(help: "own or third-party; third-party where a vendor is named, else own.") var origin: AnchorOrigin?
        @Option(help: "The registered vendor through which it would come.", transform: VendorName.init)
        var vendor: VendorName?
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let body = RuleExplainRequest(
                team: team, kind: kind, origin: origin ?? (vendor == nil ? .own : .thirdParty), vendor: vendor,
                certificate: try readText(certificate))
            let answer: RuleExplanation = try await connection.withClient {
                try await $0.send(.post, "/v1/root-rules/explain", body)
            }
            try connection.show(answer) { answer in for line in answer.lines { Terminal.show(line) } }
            guard answer.allowed else { throw ExitCode(ExitStatus.refused) }
        }
    }
}

extension RuleExplanation {
    fileprivate var lines: [String] {
        let rule = rule.map { " by rule \($0)" } ?? ""
        let deciders = decidedBy.isEmpty ? "nobody" : decidedBy.map(\.title).joined(separator: ", ")
        return [allowed ? "allowed\(rule), needs \(approvals) approval(s)" : "refused\(rule)"]
            + reasons.map { "  \($0)" } + ["can decide: \(deciders)", "considered:"]
            + (considered.isEmpty ? ["  no rule is for this team"] : considered.flatMap(\.lines))
    }
}

extension RuleExplanation.Considered {
    fileprivate var lines: [String] {
        let reach = team.map { "team \($0)" } ?? "every team"
        return ["  \(rule) (\(effect.rawValue), \(reach)): \(matches ? "holds" : "does not hold")"]
            + conditions.map { "    \($0.holds ? "yes" : "no "): \($0.asks)" }
    }
}

extension RootRuleBody {
    fileprivate var summary: String {
        let origin = origins.map { $0.map(\.rawValue).joined(separator: " or ") + " " } ?? ""
        let team = team.map { "team \($0)" } ?? "every team"
        let limits = [
            conditions.kinds.map { "kinds \($0.map(\.rawValue).joined(separator: ","))" },
            conditions.keyTypes.map { "keys \($0.joined(separator: ","))" },
            conditions.subject.map { "subject \($0)" },
            conditions.minimumRSABits.map { "RSA from \($0) bits" },
            conditions.maximumValidityDays.map { "at most \($0) days" },
            conditions.certificateSHA256.map { "\($0.count) exact certificate(s)" },
            conditions.keySHA256.map { "\($0.count) exact key(s)" },
            conditions.exceptCertificateSHA256.map { "all but \($0.count) exact certificate(s)" },
            conditions.exceptKeySHA256.map { "all but \($0.count) exact key(s)" },
            conditions.signatureHashes.map { "signed with \($0.joined(separator: ","))" },
            conditions.vendors.map { "vendors \($0.map(\.rawValue).joined(separator: ","))" },
            conditions.registeredVendor.map { $0 ? "through a registered vendor" : "through no vendor" },
        ].compactMap(\.self)
        let tail = limits.isEmpty ? "" : " (\(limits.joined(separator: "; ")))"
        let approvals = effect == .allow ? ", \(approvals) approval(s)\(kinds)" : ""
        return "\(effect.rawValue) \(origin)roots for \(team)\(approvals)\(tail)"
    }
}

extension RootRuleBody {
    private var kinds: String {
        let kinds = [
            (securityOfficers ?? 0, "by security officers"), (outsiders ?? 0, "from outside the team"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return kinds.isEmpty ? "" : " (\(kinds.joined(separator: ", ")))"
    }
}

extension Array {
    fileprivate var nilIfEmpty: [Element]? { isEmpty ? nil : self }
}
