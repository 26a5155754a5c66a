import Codecs
import Files
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ReleaseCriteria
import ServiceLifecycle
import UnixSignals

/// A signing service put together from its configuration.
struct SignerProgram: Sendable {
    let configuration: SignerConfiguration
    let logger: Logger
    var clock: @Sendable () -> UTCDate

    /// Slow callers are let go after this long without a byte.
    static let idleTimeout = TimeAmount.seconds(75)
    /// Beyond a key's deadline, for the answer to be written.
    static let shutdownMargin = Duration.seconds(2)

    /// Follows the decision log, and gives what serves.
    func application(
        onRunning: @escaping @Sendable (Int) async -> Void
    ) throws -> Application<RouterResponder<SignerContext>> {
        let configuration = configuration
        let opener = KeyOpener(
            policy: configuration.policy, deadline: configuration.limits.keyDeadline,
            state: Files.parent(of: configuration.log))
        let keys = configuration.keys.map { name, settings, criteria in
            SigningKey(
                name, settings, criteria, ledger: KeyLedger(period: criteria.longestPeriod)
            ) { try await opener.open(name, settings) }
        }
        let log = try openLog(keys)
        let metrics = SignerMetrics()
        let server = try server(configuration.listen)
        let operators = try operators(Readiness(keys: keys, log: log), metrics)
        // The last that may fail: from here on there are connections that must be closed.
        let registries = try EvidenceRegistries(
            configuration.registries, limits: configuration.limits, metrics: metrics)
        let desk = SigningDesk(
            log: log, limits: configuration.limits, registries: registries, metrics: metrics, clock: clock)
        let routes = SignerRoutes(
            gate: CallerGate(configuration, clock: clock), desk: desk, keys: keys,
            namesKeys: configuration.listen.isLoopback, metrics: metrics,
            bodyBytes: configuration.limits.bodyBytes)
        let probes = keys.map {
            KeyProbe(
                key: $0, period: configuration.limits.probePeriod, deadline: configuration.limits.keyDeadline,
                logger: logger)
        }
        let services: [any Service] = probes + [registries] + (operators.map { [$0] } ?? [])
        return Application(
            responder: routes.router.buildResponder(), server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.listen.host, port: configuration.listen.port), serverName: nil,
                backlog: 1_024),
            services: services,
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? configuration.listen.port) },
            logger: logger)
    }

    /// Serves until SIGTERM or SIGINT; then idle connections end at once, and a signature that is under way has as long as
    /// its evidence and its key may take.
    func run(onRunning: @escaping @Sendable (Int) async -> Void) async throws {
        let application = try application(onRunning: onRunning)
        var group = ServiceGroupConfiguration(
            services: [application], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        let limits = configuration.limits
        group.maximumGracefulShutdownDuration = limits.evidenceDeadline + limits.keyDeadline + Self.shutdownMargin
        try await ServiceGroup(configuration: group).run()
    }

    /// Rebuilds what keys remember from what was signed.
    private func openLog(_ keys: [SigningKey]) throws -> DecisionLog {
        let now = clock()
        let ledgers = Dictionary(uniqueKeysWithValues: keys.map { ($0.name, $0.ledger) })
        let (log, wasTorn) = try DecisionLog.open(
            configuration.log, head: configuration.logHead, clock: clock
        ) { entry in
            guard entry.members["outcome"]?.stringOrNil == "signed",
                let ledger = entry.members["key"]?.stringOrNil.flatMap({ ledgers[$0] }),
                let caller = entry.members["caller"]?.stringOrNil,
                let at = entry.members["time"]?.stringOrNil.flatMap({ try? UTCDate($0) })
            else { return }
            let approvals = entry.members["approvals"]?.arrayOrNil?.compactMap(\.stringOrNil) ?? []
            ledger.remember(at: at, caller: caller, approvals: approvals, now: now)
        }
        if wasTorn { logger.warning("the decision log ended in a torn line; it was marked and goes on") }
        return log
    }

    /// The listener of operators, where the configuration names one.
    private func operators(_ readiness: Readiness, _ metrics: SignerMetrics) throws -> (any Service)? {
        guard let listen = configuration.operators else { return nil }
        let routes = OperatorRoutes(readiness: readiness, metrics: metrics)
        let scheme = listen.certificate == nil ? "http" : "https"
        let logger = logger
        return Application(
            responder: routes.router.buildResponder(), server: try server(listen, isForOperators: true),
            configuration: ApplicationConfiguration(
                address: .hostname(listen.host, port: listen.port), serverName: nil),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? listen.port
                logger.notice("metrics at \(scheme)://\(listen.host):\(port)")
            },
            logger: logger)
    }

    private func server(_ listen: ListenSettings, isForOperators: Bool = false) throws -> HTTPServerBuilder {
        let limits = configuration.limits
        let ledger = ConnectionLedger(perOrigin: limits.connectionsPerAddress, total: limits.connections)
        let plain = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [ConnectionGuard(ledger)], idleTimeout: Self.idleTimeout,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 20 * 1_024, maxHeaderListSize: 36 * 1_024, maxHeaderFieldCount: 100)))
        guard let tls = try listen.tls(isForOperators: isForOperators) else { return plain }
        return try .tls(plain, tlsConfiguration: tls)
    }
}

/// Opens one key and has it prove itself again and again; a key that hangs holds up nobody but itself.
struct KeyProbe: Service {
    let key: SigningKey
    let period: Duration
    let deadline: Duration
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let before = await key.problem
                await key.probe(every: period, limit: deadline)
                let after = await key.problem
                if before != after {
                    logger.log(
                        level: after == nil ? .notice : .error, "a key's state changed",
                        metadata: ["key": "\(key.name)", "problem": "\(after ?? "none")"])
                }
                // A key that is away is asked again soon.
                try? await Task.sleep(for: after == nil ? period : min(period, .seconds(5)))
            }
        }
    }
}
