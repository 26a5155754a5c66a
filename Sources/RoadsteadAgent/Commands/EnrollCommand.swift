import ArgumentParser
import Codecs
import Files
import Foundation
import SigningKeys
import TrustModel

struct EnrollCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Makes this host a member of a fleet.",
        discussion: """
            Takes a join string (from a file, or - for standard input), or the server, the fleet, the SHA-256 of the \
            fleet's root and a token file. Nothing is written before the root that the server sends has that digest.
            With --replace-root an enrolled host takes another root of its fleet, after root keys were lost: its key \
            and the trust in force stay until what the fleet publishes has verified under the new root.
            """)

    @OptionGroup var options: StateOptions

    @Argument(help: ArgumentHelp("File with the join string; - reads standard input.", valueName: "join-string-file"))
    var source: String?

    @Option(help: ArgumentHelp("File with the join string; - reads standard input.", valueName: "file"))
    var joinStringFile: String?

    @Option(help: ArgumentHelp("Address of the server, when there is no join string.", valueName: "url"))
    var server: String?

    @Option(help: "Name of the fleet, when there is no join string.")
    var fleet: String?

    @Option(
        name: .customLong("root-sha256"),
        help: ArgumentHelp("SHA-256 of the fleet's root metadata file.", valueName: "hex"))
    var rootSHA256: String?

    @Option(help: "Version of the root that the digest belongs to; 1, or with --replace-root looked for, unless said.")
    var rootVersion: Int64?

    @Flag(help: "Pin another root of the fleet that this host is in already.")
    var replaceRoot = false

    @Flag(help: "With --replace-root: versions that were seen before no longer count.")
    var forgetVersions = false

    @Option(help: ArgumentHelp("File with the join token; - reads standard input.", valueName: "file"))
    var tokenFile: String?

    @Option(name: .customLong("name"), help: "Name of this host; what the system calls it unless said.")
    var hostName: String?

    @Option(
        name: .customLong("label"), help: ArgumentHelp("A label of this host; may be repeated.", valueName: "key=value")
    )
    var labels: [String] = []

    @Option(
        help: ArgumentHelp(
            "Directory that Notation reads (NOTATION_CONFIG). In enforce mode it becomes a link to the agent's files.",
            valueName: "dir"))
    var notationConfig: String?

    @Option(
        help: ArgumentHelp(
            "PEM file with the only CA certificates that are believed for TLS to the server; the system's unless said.",
            valueName: "file"))
    var caFile: String?

    func run() async throws {
        let state = options.directory
        if replaceRoot { return try await replaceRoot(state) }
        guard !forgetVersions else {
            throw AgentError(.usage, "--forget-versions goes with --replace-root only")
        }
        let request = try request()
        let configuration = try await HTTPTransport.with(request.server, caFile: request.caFile) { transport in
            try await Enrolment(state, request).enrol(transport, now: SystemClock.now)
        }
        print("host \(configuration.hostName) is enrolled in fleet \(configuration.fleet) as \(configuration.host)")
        Terminal.note("next: roadstead-agent sync --state \(state.path)")
    }

    private func replaceRoot(_ state: StateDirectory) async throws {
        guard hostName == nil, labels.isEmpty, notationConfig == nil, caFile == nil, tokenFile == nil else {
            throw AgentError(
                .usage, "--replace-root keeps this host's name, labels, token, CA file and enforcers",
                hint: "give the join string, or --root-sha256 and where needed --root-version and --server")
        }
        let join = try joinString()
        let replacement = RootReplacement(
            state,
            RootReplacementRequest(
                rootSHA256: try digest(join), rootVersion: join?.rootVersion ?? rootVersion,
                fleet: try join?.fleet ?? fleet.map { try FleetName($0) }, fleetID: join?.fleetID,
                minimumVersions: join?.minimumVersions ?? [:],
                server: try (join?.server ?? server).map { try ServerAddress($0) }, forgetsVersions: forgetVersions))
        let round = try await state.lockedAfterCheck {
            var configuration = try replacement.configuration()
            return try await HTTPTransport.with(configuration) { transport in
                try await replacement.run(configuration, transport, now: SystemClock.now)
                let source = HTTPFleetSource(transport, fleet: configuration.fleet)
                return try await Agent(state).round(
                    &configuration, transport: transport, source: source, now: SystemClock.now)
            }
        }
        print("the fleet's new root is in place; release \(round.sync.origin.release) is in force")
        for warning in round.sync.warnings + round.enforcement.warnings { Terminal.note("warning: \(warning)") }
    }

    private func digest(_ join: JoinString?) throws -> [UInt8] {
        let digest = try join?.rootSHA256 ?? required(rootSHA256, "--root-sha256")
        let bytes: [UInt8]
        do { bytes = try Hex.decode(digest.lowercased()) } catch { bytes = [] }
        guard bytes.count == 32 else {
            throw AgentError(
                .usage, "--root-sha256 is not a SHA-256 of 64 hexadecimal digits",
                hint: "roadstead fleet show FLEET prints it")
        }
        return bytes
    }

    private func request() throws -> EnrolmentRequest {
        let join = try joinString()
        let fleet = try join?.fleet ?? FleetName(try required(self.fleet, "--fleet"))
        let bytes = try digest(join)
        let server = try join?.server ?? required(self.server, "--server")
        return EnrolmentRequest(
            server: try ServerAddress(server), fleet: fleet, fleetID: join?.fleetID, rootSHA256: bytes,
            rootVersion: join?.rootVersion ?? rootVersion ?? 1, minimumVersions: join?.minimumVersions ?? [:],
            token: try token(join), hostName: try name(), labels: try labelMap(),
            notationConfig: notationConfig.map(AbsolutePath.of), caFile: caFile.map(AbsolutePath.of))
    }

    private func joinString() throws -> JoinString? {
        guard let file = joinStringFile ?? source else { return nil }
        guard joinStringFile == nil || source == nil, server == nil, fleet == nil, rootSHA256 == nil, tokenFile == nil
        else {
            throw AgentError(
                .usage, "a join string says the server, the fleet, the root and the token already",
                hint: "give either the join string or --server, --fleet, --root-sha256 and --token-file")
        }
        let text: String
        if file.hasPrefix(JoinString.prefix) {
            throw AgentError(
                .usage, "the join string holds a secret and does not belong on a command line, where others can see it",
                hint:
                    "write it into a file of mode 600 and name the file, or pipe it in: roadstead-agent enroll - < FILE"
            )
        } else {
            text = try SecretInput.line(of: file, "join string")
        }
        do { return try JoinString(parsing: text) } catch {
            throw AgentError(
                .joinString, "the join string cannot be used: \(error)",
                hint: "make a new one with: roadstead host join-token --fleet FLEET")
        }
    }

    private func token(_ join: JoinString?) throws -> Secret {
        if let join { return Secret(join.token) }
        guard let tokenFile else { throw Self.incomplete("--token-file") }
        return Secret(try SecretInput.line(of: tokenFile, "join token"))
    }

    private func name() throws -> String {
        let name = hostName ?? ProcessInfo.processInfo.hostName
        let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard isPlain, (1...253).contains(name.utf8.count) else {
            throw AgentError(
                .usage, "the host name has \(name.utf8.count) characters or others than printable ASCII",
                hint: "give one with --name")
        }
        return name
    }

    private func labelMap() throws -> [String: String] {
        var map: [String: String] = [:]
        for label in labels {
            guard let sign = label.firstIndex(of: "="), sign != label.startIndex else {
                throw AgentError(.usage, "the label \"\(label.prefix(80))\" is not of the form key=value")
            }
            map[String(label[..<sign])] = String(label[label.index(after: sign)...])
        }
        return map
    }

    private func required(_ value: String?, _ option: String) throws -> String {
        guard let value, !value.isEmpty else { throw Self.incomplete(option) }
        return value
    }

    private static func incomplete(_ option: String) -> AgentError {
        AgentError(
            .usage, "enroll needs a join string, or \(option); nothing was written",
            hint: "roadstead-agent enroll --join-string-file FILE")
    }
}

/// Secrets that come from a file or from standard input, never from the command line.
enum SecretInput {
    /// The first line, without blanks around it.
    static func line(of file: String, _ what: String) throws -> String {
        let bytes: [UInt8]
        if file == "-" {
            bytes = [UInt8](try FileHandle.standardInput.read(upToCount: 16_384) ?? Data())
        } else {
            bytes = try Files.read(AbsolutePath.of(file), limit: 16_384)
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let line = lines.first?.trimmingCharacters(in: .whitespaces), !line.isEmpty else {
            throw AgentError(.usage, "there is no \(what) in \(file == "-" ? "standard input" : file)")
        }
        return line
    }
}
