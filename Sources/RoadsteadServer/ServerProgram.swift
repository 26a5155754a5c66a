import Codecs
import CoreMetrics
import Files
import Hummingbird
import Logging
import Migrations
import Observability
import Outbound
import PostgresKit
import RoadsteadPublish
import RoadsteadStore
import ServiceLifecycle
import SigningKeys
import Synchronization

/// A server put together from its configuration: checked first, then run until it is told to stop.
struct ServerProgram: Sendable {
    static let version = "0.1.0"

    let configuration: ServerConfiguration
    let access: DatabaseAccess
    let master: MasterKey
    let logger: Logger
    var clock: @Sendable () -> UTCDate = SystemClock.now
    /// How the tokens and services are reached in which the server's keys live.
    var keyBackends: @Sendable (ServerConfiguration) throws -> [KeyScheme: any KeyBackend] = {
        try $0.keyBackends()
    }

    /// Checks what must hold before anything is served, and gives the program that serves.
    ///
    /// - Parameter onRunning: called with the server's address once it takes connections.
    func application(
        onRunning: @escaping @Sendable (String) async -> Void = { _ in }
    ) async throws -> Application<FrontResponder<RouterResponder<RoadsteadContext>>> {
        let parts = try ServerParts(self)
        try await parts.check(now: clock())
        try await prepareState(parts)
        let configuration = configuration
        return try parts.web.application(configuration, services: parts.services, logger: logger) { port in
            let address = configuration.publicAddress(port: port)
            parts.address.set(address)
            await onRunning(address)
        }
    }

    private func prepareState(_ parts: ServerParts) async throws {
        try Files.createDirectory(configuration.stateDirectory)
        try Files.createDirectory(configuration.publishedDirectory)
        let path = configuration.bootstrapTokenPath
        if let expires = try await BootstrapToken.issue(parts.api, path: path, now: clock()) {
            logger.notice("no administrator yet; the bootstrap token is in \(path) until \(expires)")
        }
    }
}

/// The address by which hosts reach the server; known once it listens.
final class PublicAddress: Sendable {
    private let text: Mutex<String>

    init(_ text: String) { self.text = Mutex(text) }

    var current: String { text.withLock { $0 } }
    func set(_ address: String) { text.withLock { $0 = address } }
}

/// The parts of a server and how they hang together.
struct ServerParts: Sendable {
    let api: ApiStore
    let publisher: Publisher
    let web: WebApplication
    let services: [any Service]
    let address: PublicAddress
    private let readiness: Readiness

    init(_ program: ServerProgram) throws {
        let (configuration, logger, clock) = (program.configuration, program.logger, program.clock)
        let metrics = MetricsRegistry()
        let pools = try DatabasePools(program.access, apiConnections: configuration.database.connections)
        let changes = PublisherStore(pool: pools.publisher)
        let api = ApiStore(pool: pools.api) { try await changes.guardAgainst($0, by: $1, now: $2) }
        let hosts = HostStore(pool: pools.hosts)
        let settings = configuration.keys
        let keys = ServerKeys(
            program.master, places: settings.places, reach: settings.reach(try program.keyBackends(configuration)))
        let publisher = Publisher(
            store: changes, keys: keys, logger: logger, metrics: metrics,
            disk: PublishedDirectory(path: configuration.publishedDirectory))
        let address = PublicAddress(configuration.publicAddress(port: configuration.listenPort))
        let files = FleetFiles(
            source: StoreFleetFiles(files: hosts.files),
            directory: PublishedDirectory(path: configuration.publishedDirectory), metrics: metrics,
            cacheBytes: configuration.cacheBytes)
        let outbound = try configuration.outbound.client()
        let lookup = CredentialLookup(
            store: api, verifier: TokenVerifier(configuration.providers, outbound: outbound), logger: logger)
        let attempts = AttemptLog(
            store: api, originKey: program.master.derived(for: "audit-origin"), logger: logger, metrics: metrics)
        let gate = Self.gate(lookup, configuration, metrics, attempts)
        readiness = Readiness(pools: pools, publisher: publisher, migrator: try Migrator())
        let policy = Self.webhookPolicy(configuration)
        let verifier = AuditVerifier(store: publisher.store)
        let endpoints =
            IdentityController(store: api, bootstrapTokenPath: configuration.bootstrapTokenPath, gate: gate).endpoints
            + SignInController(store: api, lookup: lookup, gate: gate).endpoints
            + AccessController(store: api).endpoints + TeamController(store: api).endpoints
            + PolicyController(store: api).endpoints
            + PreviewController(store: api, publisher: changes).endpoints
            + RuleController(store: api).endpoints
            + AnchorController(store: api).endpoints + ChangeController(store: api).endpoints
            + VendorController(store: api).endpoints + RequestController(store: api).endpoints
            + ReviewController(store: api).endpoints
            + ChangeRecordController(store: api).endpoints
            + DenialController(store: api).endpoints + CustodyController(store: api).endpoints
            + RoleDraftController(store: api).endpoints
            + FleetController(store: api, publisher: publisher).endpoints
            + PromotionController(store: api, publisher: publisher).endpoints
            + CeremonyController(store: api, publisher: publisher).endpoints
            + HostController(
                store: api, hosts: hosts, gate: gate, metrics: metrics, logger: logger,
                publicAddress: { address.current }
            ).endpoints + AuditController(store: api, verifier: verifier).endpoints
            + ReportController(store: api).endpoints
            + WebhookController(store: api, master: program.master, policy: policy).endpoints
        web = WebApplication(
            endpoints: endpoints, gate: gate, repeats: StoreRepeatedAnswers(store: api),
            delivery: FleetDelivery(files: files, metrics: metrics),
            operatorRoutes: OperatorRoutes(
                checks: readiness.checks, metrics: metrics,
                document: OpenAPIDocument(endpoints: endpoints, version: ServerProgram.version), gate: gate,
                clock: clock, sample: { Self.sample(pools, metrics) },
                halts: { (try? await api.files.halts()) ?? [] }),
            metrics: metrics, clock: clock, isEncrypted: configuration.isEncrypted)
        let published = WakeSignal()
        let webhooks = WebhookStore(pool: pools.publisher)
        let sender = WebhookSender(
            store: webhooks, master: program.master,
            client: try OutboundClient(policy: policy, caFile: configuration.outbound.authority),
            logger: logger, metrics: metrics, clock: clock)
        let watch = Watch(store: webhooks, verifier: verifier, logger: logger, metrics: metrics)
        let keyWatch = KeyWatch(store: changes, keys: keys, logger: logger, metrics: metrics)
        services =
            pools.all.map { PoolService(pool: $0.pool) } as [any Service] + [
                PeriodicService("fleet files", every: .seconds(1), logger: logger, signal: published) {
                    try await files.refresh(logger: logger)
                },
                PublisherService(
                    publisher, listener: try program.access.settings(.publisher), published: published,
                    logger: logger, clock: clock),
                PeriodicService("keys", every: KeyWatch.interval, logger: logger) { try await keyWatch.turn() },
                AttemptLogService(log: attempts, logger: logger, clock: clock),
                PeriodicService("housekeeping", every: .seconds(60), logger: logger) {
                    try await publisher.store.expireChanges(now: clock())
                    try await api.forgetOldKeys(now: clock())
                    try await Self.sampleReviews(api, metrics, now: clock())
                },
            ] + watch.services(sender, clock: clock)
        (self.api, self.publisher, self.address) = (api, publisher, address)
    }

    /// - Throws: when the schema is not the one that this program needs, or the master key not the one in use.
    func check(now: UTCDate) async throws {
        try await readiness.requirePlainRoles()
        try await readiness.requireSchema()
        try await readiness.requireMasterKey(now: now)
    }

    private static func gate(
        _ lookup: CredentialLookup, _ configuration: ServerConfiguration, _ metrics: MetricsRegistry,
        _ attempts: AttemptLog
    ) -> Gate {
        let proxies = ProxyGuard(
            trusted: Set(configuration.trustedProxies),
            refusesOthers: configuration.tls == nil && !configuration.isLoopback)
        let takesCertificates = configuration.tls?.clientAuthority != nil
        return Gate(
            proxies: proxies, metrics: metrics, limits: configuration.limits, takesCertificates: takesCertificates,
            attempts: attempts
        ) {
            try await lookup.session($0, $1, $2)
        }
    }

    private static func sampleReviews(_ api: ApiStore, _ metrics: MetricsRegistry, now: UTCDate) async throws {
        let overdue = try await api.overdueReviews(now: now)
        for (kind, count) in [("anchor", overdue.anchors), ("vendor", overdue.vendors)] {
            Gauge(label: MetricName.reviewsOverdue.rawValue, dimensions: [("kind", kind)], factory: metrics)
                .record(count)
        }
    }

    /// Where webhooks may lie: where the operator lets the server go at all.
    private static func webhookPolicy(_ configuration: ServerConfiguration) -> OutboundPolicy {
        OutboundPolicy(
            allowed: configuration.outbound.allowed, maximumBytes: WebhookSender.answerBytes,
            timeout: WebhookSender.timeout)
    }

    private static func sample(_ pools: DatabasePools, _ metrics: MetricsRegistry) {
        for (name, pool) in pools.all {
            let statistics = pool.statistics
            let labels = [("pool", name)]
            Gauge(label: MetricName.databaseConnections.rawValue, dimensions: labels, factory: metrics)
                .record(statistics.idle + statistics.leased)
            Gauge(label: MetricName.databaseWaiting.rawValue, dimensions: labels, factory: metrics)
                .record(statistics.waiting)
        }
    }
}
