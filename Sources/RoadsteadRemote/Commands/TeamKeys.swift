import ArgumentParser
import Codecs
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

struct TeamKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Keys that members hold to sign for their team.",
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register your own key for a team, with the proof that you have it.",
            discussion: "It signs nothing yet: roadstead team custody set names the keys that do.")
        @Argument(transform: TeamName.init) var team: TeamName
        @Option(help: ArgumentHelp("Your private key; it stays where it is.", valueName: "uri")) var key: String
        @OptionGroup var keys: KeyOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let signer = try await keys.signer(key)
            let listed = try Key(signer.publicKey)
            guard let scheme = listed.signatureScheme else {
                throw RemoteError(
                    .usage, "a key of type \(signer.publicKey.type) cannot sign for a team",
                    hint: "use Ed25519, P-256, P-384 or RSA")
            }
            let body = try await connection.withClient { client -> TeamKeyBody in
                let me: WhoAmI = try await client.get("/v1/whoami")
                let statement = TeamKeyStatement.registration(
                    team: team, keyID: listed.id.text, holder: me.person.name)
                let proof = try await verifiedSignature(by: signer, over: statement, scheme: scheme)
                return try await client.send(
                    .post, "/v1/teams/\(team)/keys", TeamKeyRequest(key: listed.json, proof: Hex.encode(proof)))
            }
            try connection.show(body) {
                Terminal.show("key \($0.keyID) of \($0.holder) is registered for team \($0.team)")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keys of a team's members.", aliases: ["ls"])
        @Argument(transform: TeamName.init) var team: TeamName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let keys: [TeamKeyBody] = try await connection.withClient { try await $0.list("/v1/teams/\(team)/keys") }
            try connection.show(keys) { keys in
                Terminal.showTable(
                    ["KEY", "HOLDER", "REGISTERED", "STATE"],
                    keys.map {
                        [
                            $0.keyID, $0.holder, String($0.registered.description.prefix(10)),
                            $0.retired.map { "retired \($0.description.prefix(10))" } ?? "in use",
                        ]
                    })
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Retire a key at once, for ever: its holder leaves, or it is lost.", aliases: ["rm"])
        @Argument(transform: TeamName.init) var team: TeamName
        @Argument(help: "Id, as `team keys list` shows it.") var id: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let custody = try await connection.withClient { client -> CustodyBody in
                try await client.sendWithoutAnswer(
                    .delete, "/v1/teams/\(team)/keys/\(APIClient.percentEncoded(id))")
                return try await client.get("/v1/teams/\(team)/custody")
            }
            Terminal.note("key \(id.prefix(16)) signs nothing more here")
            guard custody.keys.contains(where: { $0.keyID == id }) else { return }
            Terminal.note(
                "hosts still believe it until other keys are set: roadstead team custody set \(team) --key … --threshold \(custody.threshold) --reason …"
            )
        }
    }
}

struct TeamCustodyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "custody", abstract: "Who signs for a team: the server, or its members.",
        subcommands: [Set.self, Show.self])

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose who signs for a team from now on.",
            discussion: """
                roadstead team custody set acme --key ID --key ID --key ID --threshold 2 --reason …
                roadstead team custody set acme --to-server --reason …

                Trust administrators or security officers approve it. Exit status 4 says that it waits.
                """)
        @Argument(transform: TeamName.init) var team: TeamName
        @Option(help: ArgumentHelp("Id of a registered key; once for each.", valueName: "id")) var key: [String] = []
        @Option(help: "How many of them must sign.") var threshold: Int?
        @Flag(help: "The server signs.") var toServer = false
        @Flag(help: "The keys that signed so far are lost: they are not asked to sign the handing over.")
        var formerLost = false
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard toServer == key.isEmpty, toServer == (threshold == nil) else {
                throw ValidationError("give --key and --threshold, or --to-server alone")
            }
        }

        func run() async throws {
            let operation = OperationBody.other(
                .setCustody(
                    try CustodySetting(
                        toServer ? .server : .team, keys: key, threshold: threshold ?? 0, formerLost: formerLost)))
            try await propose([operation], team: team, why, connection)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show who signs for a team.", aliases: ["view"])
        @Argument(transform: TeamName.init) var team: TeamName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let (custody, drafts) = try await connection.withClient { client -> (CustodyBody, [RoleDraftBody]) in
                (
                    try await client.get("/v1/teams/\(team)/custody"),
                    try await client.list("/v1/teams/\(team)/role-drafts")
                )
            }
            try connection.show(custody) { custody in
                let who =
                    custody.custody == .server ? "the server" : "\(custody.threshold) of \(custody.keys.count) keys"
                let since = custody.since.map { " since \($0), by C-\(custody.change ?? 0)" } ?? ""
                Terminal.show("team \(custody.team): \(who) signs\(since)")
                for key in custody.keys {
                    Terminal.show("  \(key.keyID) of \(key.holder)\(key.retired == nil ? "" : ", retired")")
                }
                if let note = custody.note {
                    Terminal.show("  \(note) (\(custody.onlineFleets.map(\.rawValue).joined(separator: ", ")))")
                }
                for draft in drafts { ChangeCommand.describe(draft) }
            }
        }
    }
}

struct TeamRenewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Propose that the members sign the team's content again, as it is.",
        discussion: "Somebody else approves it; the members then sign: roadstead change sign C-N.")
    @Argument(transform: TeamName.init) var team: TeamName
    @OptionGroup var why: ReasonOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await propose([OperationBody.other(.renewRole)], team: team, why, connection)
    }
}
