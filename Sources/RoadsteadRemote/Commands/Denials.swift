import ArgumentParser
import Codecs
import RoadsteadWire
import SigningKeys
import TrustModel

struct DenyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny", abstract: "Denials: what is never to be trusted, whatever the teams say.",
        discussion: """
            roadstead deny add --certificate leaked.pem --reason "stolen"     everywhere, at once
            roadstead deny add --serial 0A:1B --issuer "CN=CA,O=Acme,C=US" --team acme --reason …
            roadstead deny lift D-3 --reason …                                waits for somebody else
            """,
        subcommands: [Add.self, List.self, Show.self, Lift.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deny something at once.",
            discussion: "One person is enough; lifting it takes two. It goes out with the next release, within seconds."
        )
        @Option(help: ArgumentHelp("A certificate: PEM file, or the SHA-256 of its DER.", valueName: "file|sha256"))
        var certificate: String?
        @Option(
            help: ArgumentHelp("A key, or the SHA-256 of its SubjectPublicKeyInfo.", valueName: "uri|sha256")
        )
        var key: String?
        @Option(help: ArgumentHelp("A serial number in hexadecimal, with --issuer.", valueName: "n")) var serial:
            String?
        @Option(help: ArgumentHelp("The issuer of that number, as CN=…,O=…,C=….", valueName: "dn")) var issuer: String?
        @Option(help: ArgumentHelp("An artifact, as sha256:….", valueName: "digest")) var digest: String?
        @Option(help: ArgumentHelp("A signer, as \"x509.subject: C=…, ST=…, O=…\".", valueName: "identity"))
        var identity: String?
        @Option(help: "In one team's scopes only; everywhere unless given.", transform: TeamName.init)
        var team: TeamName?
        @Option(help: "Why; hosts show it.") var reason: String
        @OptionGroup var keys: KeyOptions
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard [certificate, key, serial, digest, identity].compactMap(\.self).count == 1 else {
                throw ValidationError("give one of --certificate, --key, --serial, --digest and --identity")
            }
            guard (serial == nil) == (issuer == nil) else {
                throw ValidationError("--serial and --issuer go together")
            }
        }

        func run() async throws {
            let subject = try await subject()
            let columns = DenyDocument.Denial(
                id: "", subject: subject, team: team, reason: reason, issued: UTCDate(seconds: 0))
            let body = DenialRequest(
                kind: subject.kind, value: columns.value, issuer: columns.issuer, team: team, reason: reason)
            let denial: DenialBody = try await connection.withClient { try await $0.send(.post, "/v1/denials", body) }
            try connection.show(denial, text: describe)
        }

        private func subject() async throws -> DenialSubject {
            if let certificate {
                return try DenialSubject(.certificate, value: try fingerprint(ofCertificate: certificate))
            }
            if let key { return try DenialSubject(.key, value: try await fingerprint(ofKey: key)) }
            if let serial { return try DenialSubject(.issuerSerial, value: serial, issuer: issuer) }
            if let digest { return try DenialSubject(.digest, value: digest) }
            return try DenialSubject(.identity, value: identity ?? "")
        }

        private func fingerprint(ofCertificate text: String) throws -> String {
            if case .certificate(let sha256)? = try? DenialSubject(.certificate, value: text) { return sha256 }
            let blocks = try PEM.decode(Array(try readText(text).utf8))
            guard let block = blocks.first, blocks.count == 1, block.label == "CERTIFICATE" else {
                throw RemoteError(
                    .usage, "\(text) holds \(blocks.count) PEM blocks, and not one certificate",
                    hint: "give a file with the one certificate to deny, or its SHA-256")
            }
            return Hex.encode(HashAlgorithm.sha256.digest(of: block.bytes))
        }

        private func fingerprint(ofKey text: String) async throws -> String {
            if case .key(let sha256)? = try? DenialSubject(.key, value: text) { return sha256 }
            return Hex.encode(try await keys.publicKey(of: text).fingerprint)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List denials in force.", aliases: ["ls"])
        @Option(help: "Those that hold in one team's scopes.", transform: TeamName.init) var team: TeamName?
        @Option(help: "Those that one fleet publishes.", transform: FleetName.init) var fleet: FleetName?
        @Flag(help: "Lifted ones too.") var all = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let denials: [DenialBody] = try await connection.withClient {
                try await $0.all(
                    "/v1/denials",
                    [("team", team?.rawValue), ("fleet", fleet?.rawValue), ("all", all ? "true" : nil)])
            }
            try connection.show(denials) { denials in
                Terminal.showTable(
                    ["DENIAL", "WHERE", "KIND", "WHAT", "SINCE", "REASON"],
                    denials.map {
                        [
                            "D-\($0.id)", $0.team?.rawValue ?? "everywhere", $0.kind.rawValue,
                            String($0.value.prefix(32)),
                            String($0.issued.description.prefix(10)), $0.lifted == nil ? $0.reason : "lifted",
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a denial.", aliases: ["view"])
        @Argument(help: "Number, such as D-3.") var number: DenialNumber
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let denial: DenialBody = try await connection.withClient { try await $0.get("/v1/denials/\(number.value)") }
            try connection.show(denial, text: describe)
        }
    }

    struct Lift: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose to lift a denial.",
            discussion: "Lifting is adding trust: somebody else must approve it. Exit status 4 says that it waits.")
        @Argument(help: "Number, such as D-3.") var number: DenialNumber
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let denial: DenialBody = try await connection.withClient { try await $0.get("/v1/denials/\(number.value)") }
            try await propose(
                [OperationBody.other(.liftDenial(id: number.value))], team: denial.team, why, connection)
        }
    }

    private static func describe(_ denial: DenialBody) {
        let reach = denial.team.map { "in the scopes of team \($0)" } ?? "everywhere"
        Terminal.show("D-\(denial.id): \(denial.kind.rawValue) \(denial.value) is denied \(reach)")
        if let issuer = denial.issuer { Terminal.show("  issued by \(issuer)") }
        Terminal.show("  since \(denial.issued) by \(denial.author): \(denial.reason)")
        if let change = denial.change { Terminal.show("  with the removal C-\(change)") }
        if let lifted = denial.lifted {
            Terminal.show("  lifted \(lifted) by C-\(denial.liftedByChange ?? 0)")
        }
    }
}

/// The number of a denial, written `D-3` or `3`.
struct DenialNumber: ExpressibleByArgument, Sendable {
    let value: Int64

    init?(argument: String) {
        let digits = argument.uppercased().hasPrefix("D-") ? String(argument.dropFirst(2)) : argument
        guard let value = Int64(digits), value > 0 else { return nil }
        self.value = value
    }
}
