import Codecs
import Files
import PKI
import ReleaseCriteria
import SigningKeys

/// The whole configuration of a signing service: one strict JSON file.
struct SignerConfiguration: Sendable {
    let listen: ListenSettings
    /// Where operators ask for metrics; nowhere unless it is said.
    let operators: ListenSettings?
    let log: String
    let logHead: String?
    let limits: LimitSettings
    let policy: SigningPolicy
    let callers: CallerRegistry
    let registries: [EvidenceRegistrySettings]
    let keys: [(name: String, settings: KeySettings, criteria: ReleaseCriteria)]

    static let maximumBytes = 1 << 20

    /// Reads the file and everything that it names but the keys; paths are relative to the file's directory.
    init(path: String) throws {
        let base = Files.parent(of: path)
        let raw: ConfigurationForm
        do {
            let tree = try JSON(parsing: try Files.readTrusted(path, limit: Self.maximumBytes))
            raw = try tree.decode(ConfigurationForm.self, place: "configuration", unknownMembers: .refused)
        } catch let error as CodecError {
            throw SignerError(.configuration, "\(path): \(error.reason)", hint: error.hint)
        }
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : base + "/" + path }
        listen = raw.listen.resolved(absolute)
        operators = raw.operators?.resolved(absolute)
        (log, logHead) = (absolute(raw.log), raw.logHead.map(absolute))
        guard log != logHead else { throw SignerError(.configuration, "log and logHead are one file") }
        limits = raw.limits ?? LimitSettings()
        policy = try (raw.policy ?? PolicyForm()).policy()
        let issuers = try (raw.issuers ?? [:]).sorted { $0.key < $1.key }.map {
            try TrustedIssuer($0.key, $0.value, absolute)
        }
        callers = try CallerRegistry(raw.callers, issuers: issuers, clientAuthority: listen.clientAuthority)
        registries = try (raw.registries ?? [:]).map { try $1.resolved($0, absolute) }
        let attesters = try raw.attesters?.map { try $0.value.attester($0.key, absolute) } ?? []
        keys = try Self.keys(raw, attesters.sorted { $0.name < $1.name }, callers.names, absolute)
        try listen.check()
        try operators?.checkForOperators()
        try limits.check()
        try Self.checkDistinct(attesters)
    }

    private static func keys(
        _ raw: ConfigurationForm, _ attesters: [Attester], _ callers: Set<String>, _ absolute: (String) -> String
    ) throws -> [(String, KeySettings, ReleaseCriteria)] {
        let uris = raw.keys.values.map(\.uri)
        guard Set(uris).count == uris.count else {
            throw SignerError(
                .configuration, "two keys have one URI",
                hint: "whoever may use one of the names would not be held to the criteria of the other")
        }
        guard !raw.keys.isEmpty else { throw SignerError(.configuration, "the configuration names no key") }
        return try raw.keys.sorted { $0.key < $1.key }.map { name, form in
            guard isName(name) else {
                throw SignerError(.configuration, "\"\(name.prefix(60))\" is no key's name", hint: "a-z, 0-9, - and .")
            }
            let settings = try form.resolved(absolute)
            if let unknown = settings.callers.first(where: { !callers.contains($0) }) {
                throw SignerError(
                    .configuration, "keys.\(name).callers names \"\(unknown.prefix(60))\", who is no caller")
            }
            let criteria = try ReleaseCriteria(form.criteria, attesters: attesters, place: "keys.\(name).criteria")
            guard settings.usage == .notation || !criteria.needsArtifact else {
                throw SignerError(
                    .configuration, "keys.\(name) signs raw bytes, which no evidence speaks of",
                    hint: "of the criteria only windows, rate and unrestricted are for raw keys")
            }
            return (name, settings, criteria)
        }
    }

    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
            }
            && text.first != "." && text.first != "-"
    }

    /// One key under two names would be two voices.
    private static func checkDistinct(_ attesters: [Attester]) throws(SignerError) {
        for (index, attester) in attesters.enumerated() {
            guard let other = attesters[..<index].first(where: attester.isKnown(like:)) else { continue }
            throw SignerError(
                .configuration, "the attesters \"\(other.name)\" and \"\(attester.name)\" are known by the same",
                hint: "name each key, and each subject below an anchor, once")
        }
    }
}

/// Where the service listens.
struct ListenSettings: Sendable, Decodable {
    let host: String
    let port: Int
    let certificate: String?
    let key: String?
    /// CA of the callers' certificates.
    let clientAuthority: String?

    var isLoopback: Bool { ["127.0.0.1", "::1", "localhost"].contains(host) }

    func resolved(_ absolute: (String) -> String) -> ListenSettings {
        ListenSettings(
            host: host, port: port, certificate: certificate.map(absolute), key: key.map(absolute),
            clientAuthority: clientAuthority.map(absolute))
    }

    /// Metrics name keys and criteria: off this machine they are for who has a certificate.
    func checkForOperators() throws(SignerError) {
        try check()
        guard isLoopback || clientAuthority != nil else {
            throw SignerError(
                .configuration, "metrics would be open to everybody on \(host)",
                hint: "give operator.clientAuthority, or listen on 127.0.0.1")
        }
    }

    func check() throws(SignerError) {
        guard (0...65_535).contains(port) else { throw SignerError(.configuration, "listen.port is \(port)") }
        guard (certificate == nil) == (key == nil) else {
            throw SignerError(.configuration, "listen.certificate and listen.key belong together")
        }
        guard certificate != nil || isLoopback else {
            throw SignerError(
                .configuration, "the service would speak plain HTTP on \(host)",
                hint: "give listen.certificate and listen.key, or listen on 127.0.0.1")
        }
        guard clientAuthority == nil || certificate != nil else {
            throw SignerError(.configuration, "listen.clientAuthority needs listen.certificate")
        }
    }
}

/// How much the service takes on.
struct LimitSettings: Sendable, Decodable {
    private let body: Int?
    private let perMinute: Int?
    private let stranger: Int?
    private let strangers: Int?
    private let open: Int?
    private let openPerAddress: Int?
    private let deadline: Int64?
    private let probe: Int64?
    private let clock: Int64?
    private let lookup: Int64?
    private let lookups: Int?

    private enum CodingKeys: String, CodingKey {
        case body = "bodyBytes"
        case perMinute = "callerPerMinute"
        case stranger = "strangerPerMinute"
        case strangers = "strangersPerMinute"
        case open = "connections"
        case openPerAddress = "connectionsPerAddress"
        case deadline = "keyDeadlineMilliseconds"
        case probe = "probeSeconds"
        case clock = "clockSeconds"
        case lookup = "evidenceDeadlineMilliseconds"
        case lookups = "evidenceLookups"
    }

    init() {
        (body, perMinute, deadline, probe, clock, lookup, lookups) = (nil, nil, nil, nil, nil, nil, nil)
        (stranger, strangers, open, openPerAddress) = (nil, nil, nil, nil)
    }

    /// Bytes of a request's body.
    var bodyBytes: Int { body ?? 8 << 20 }
    /// Requests of one caller in a minute.
    var callerPerMinute: Int { perMinute ?? 6_000 }
    /// Requests of one address in a minute that prove no caller.
    var strangerPerMinute: Int { stranger ?? 60 }
    /// Requests of all addresses together in a minute that prove no caller.
    var strangersPerMinute: Int { strangers ?? 6_000 }
    /// Open connections; below the thousand files that systemd gives a service by itself.
    var connections: Int { open ?? 800 }
    /// Open connections from one address.
    var connectionsPerAddress: Int { openPerAddress ?? 200 }
    /// How long a key may take for one signature.
    var keyDeadline: Duration { .milliseconds(deadline ?? 10_000) }
    /// How often a key that made no signature proves itself.
    var probePeriod: Duration { .seconds(probe ?? 30) }
    /// How far a signing time may be from this machine's clock.
    var clockSeconds: Int64 { clock ?? 300 }

    /// How long a registry may take over everything that is asked of it for one signature.
    var evidenceDeadline: Duration { .milliseconds(lookup ?? 15_000) }
    /// Requests for which registries are asked at once; more are shed.
    var evidenceLookups: Int { lookups ?? 16 }

    func check() throws(SignerError) {
        let isSane =
            (1_024...(64 << 20)).contains(bodyBytes) && (1...10_000_000).contains(callerPerMinute)
            && (10...600_000).contains(deadline ?? 10_000) && (1...86_400).contains(probe ?? 30)
            && (1...86_400).contains(clockSeconds) && (100...50_000).contains(lookup ?? 15_000)
            && (1...1_000).contains(evidenceLookups) && (1...1_000_000).contains(strangerPerMinute)
            && (1...10_000_000).contains(strangersPerMinute) && (1...100_000).contains(connections)
            && (1...100_000).contains(connectionsPerAddress)
        guard isSane else { throw SignerError(.configuration, "a number in limits is out of its range") }
    }
}

/// One key, as it is used.
struct KeySettings: Sendable {
    let uri: String
    let usage: SigningUsage
    let callers: Set<String>
    let certificates: String?
    let passphraseFile: String?
    let pinFile: String?
    let module: String?
    let allowPlaintextKey: Bool?
    /// Requests at once; more are shed.
    let queue: Int
    let scheme: String
    /// What a raw key signs.
    var formats: Set<RawFormat> = []
    var allowLastPINTries = false
}
