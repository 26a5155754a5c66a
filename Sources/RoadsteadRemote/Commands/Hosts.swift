import ArgumentParser
import Codecs
import RoadsteadWire
import TUF
import TrustModel

struct HostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "Hosts: machines with an agent.",
        subcommands: [List.self, Show.self, JoinToken.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List hosts.", aliases: ["ls"])
        @Option(help: "Of one fleet.", transform: FleetName.init) var fleet: FleetName?
        @Flag(help: "Only those behind their fleet's release.") var behind = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let all: [HostBody] = try await connection.withClient {
                try await $0.all("/v1/hosts", [("fleet", fleet?.rawValue)])
            }
            let hosts = all.filter { !behind || $0.behind > 0 }
            try connection.show(hosts) { hosts in
                Terminal.showTable(
                    ["HOST", "NAME", "FLEET", "RELEASE", "BEHIND", "LAST SEEN", "WARNINGS"],
                    hosts.map {
                        [
                            $0.id, $0.name, $0.fleet.rawValue, "\($0.release)", "\($0.behind)",
                            $0.lastSeen.map { "\($0)" } ?? "never", "\($0.warnings.count)",
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a host.", aliases: ["view"])
        @Argument(help: "Id, as `host list` shows it.") var id: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let host: HostBody = try await connection.withClient {
                try await $0.get("/v1/hosts/\(APIClient.percentEncoded(id))")
            }
            try connection.show(host) { host in
                Terminal.show(
                    "host \(host.id) (\(host.name)) of fleet \(host.fleet), release \(host.release), \(host.behind) behind"
                )
                for (name, value) in host.labels.sorted(by: { $0.key < $1.key }) {
                    Terminal.show("  label \(name)=\(value)")
                }
                for enforcer in host.enforcers {
                    let version = enforcer.version ?? "not found"
                    Terminal.show(
                        "  \(enforcer.enforcer.rawValue) \(version): \(enforcer.mode.rawValue), \(enforcer.applied ? "applied" : "not applied")"
                    )
                }
                for warning in host.warnings { Terminal.show("  warning: \(warning)") }
            }
        }
    }

    struct JoinToken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a join string, with which hosts enrol.",
            discussion:
                "It carries the digest of the fleet's root, which must follow the root that a ceremony left on this machine."
        )
        @Option(help: "The fleet.", transform: FleetName.init) var fleet: FleetName
        @Option(help: "How many hosts may use it.") var uses: Int?
        @Option(help: "Hours until it ends.") var expiresInHours: Int?
        @Option(help: ArgumentHelp("A label of those hosts, KEY=VALUE; once for each.", valueName: "label")) var label:
            [String] = []
        @Option(help: ArgumentHelp("Write the join string to this file, mode 0600.", valueName: "file")) var out:
            String?
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let body = JoinTokenRequest(uses: uses, expiresInHours: expiresInHours, labels: try labels())
            let answer = try await connection.withClient { client in
                let answer: JoinTokenBody = try await client.send(.post, "/v1/fleets/\(fleet)/join-tokens", body)
                try await check(try JoinString(parsing: answer.joinString), client)
                return answer
            }
            try hand(out: out, secret: answer.joinString, connection, answer)
            Terminal.note(
                "on the host: roadstead-agent enroll --join-string-file FILE (\(answer.uses) use(s), until \(answer.expires))"
            )
        }

        /// The root that hosts begin with must be the one that is remembered here, or verifiably follow it.
        private func check(_ join: JoinString, _ client: APIClient) async throws {
            guard let pin = try ProfileStore().pinnedRoot(fleetID: join.fleetID.rawValue) else { return }
            let served = ServedRoots(fleet: join.fleet, fleetID: join.fleetID, client: client)
            guard join.fleet == fleet, join.rootVersion >= pin.version,
                case let root = try await served.root(join.rootVersion, from: pin),
                ServedRoots.digest(root.bytes) == join.rootSHA256
            else {
                throw RemoteError(
                    .mismatch,
                    "the server's root of fleet \(fleet) is version \(join.rootVersion) with SHA-256 \(join.rootSHA256), "
                        + "which does not follow version \(pin.version), \(pin.sha256), that is remembered here",
                    hint: "do not hand out the join string; find out who changed the server")
            }
        }

        private func labels() throws -> [String: String] {
            try label.reduce(into: [:]) { labels, text in
                let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { throw ValidationError("a label is KEY=VALUE, not \"\(text)\"") }
                labels[parts[0]] = parts[1]
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a host; its receipts are refused from then on.", aliases: ["rm"])
        @Argument(help: "Id, as `host list` shows it.") var id: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await connection.withClient {
                try await $0.sendWithoutAnswer(.delete, "/v1/hosts/\(APIClient.percentEncoded(id))")
            }
            Terminal.note("host \(id) is removed")
        }
    }
}
