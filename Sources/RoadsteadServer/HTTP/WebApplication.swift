import Codecs
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import Observability
import ServiceLifecycle

/// Puts router, delivery and server together.
struct WebApplication {
    /// Slow clients are let go after this long without a byte; it outlasts the longest hint.
    static let idleTimeout = TimeAmount.seconds(75)
    /// Connections that wait to be accepted.
    static let backlog = 1_024

    let endpoints: [Endpoint]
    let gate: Gate
    let repeats: any RepeatedAnswers
    let delivery: FleetDelivery
    let operatorRoutes: OperatorRoutes
    let metrics: MetricsRegistry
    let clock: @Sendable () -> UTCDate

    var responder: FrontResponder<RouterResponder<RoadsteadContext>> {
        let router = Router(context: RoadsteadContext.self)
        router.add(middleware: RequestBoundary(metrics: metrics))
        router.add(middleware: MethodGuide(endpoints: endpoints))
        for endpoint in endpoints {
            let handler = EndpointHandler(endpoint: endpoint, gate: gate, repeats: repeats, clock: clock)
            router.on(RouterPath(endpoint.path), method: endpoint.method) { request, context in
                try await handler.respond(to: request, context: context)
            }
        }
        operatorRoutes.add(to: router)
        return FrontResponder(delivery: delivery, proxies: gate.proxies, base: router.buildResponder())
    }

    func application(
        _ configuration: ServerConfiguration, services: [any Service], logger: Logger,
        onRunning: @escaping @Sendable (Int) async -> Void
    ) throws -> Application<FrontResponder<RouterResponder<RoadsteadContext>>> {
        Application(
            responder: responder, server: try Self.server(configuration.tls),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.listenHost, port: configuration.listenPort), serverName: nil,
                backlog: Self.backlog),
            services: services,
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? configuration.listenPort) },
            logger: logger)
    }

    private static func server(_ files: ServerConfiguration.TLSFiles?) throws -> HTTPServerBuilder {
        var limits = HTTP1Channel.Configuration.DecoderConfiguration()
        limits.maxHeaderFieldSize = 16 * 1_024
        limits.maxHeaderListSize = 32 * 1_024
        limits.maxHeaderFieldCount = 100
        let plain = HTTPServerBuilder.http1(
            configuration: .init(idleTimeout: idleTimeout, httpDecoderConfiguration: limits))
        guard let files else { return plain }
        return try .tls(plain, tlsConfiguration: try tls(files))
    }

    private static func tls(_ files: ServerConfiguration.TLSFiles) throws -> TLSConfiguration {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificate).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = try NIOSSLPrivateKey(file: files.key, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            return configuration
        } catch {
            throw ServerError(
                .configuration, "the TLS certificate \(files.certificate) and its key \(files.key) cannot be used",
                hint: "both are PEM files that the server may read, and the key belongs to the first certificate")
        }
    }
}

/// Answers a known path with another method by the methods that it has.
struct MethodGuide: RouterMiddleware {
    /// What the router calls a request that no route takes.
    private static let unmatched = "NotFound"
    private let methods: [(segments: [Substring], method: String)]

    init(endpoints: [Endpoint]) {
        methods = endpoints.map { ($0.path.split(separator: "/"), $0.method.rawValue) }
    }

    func handle(
        _ request: Request, context: RoadsteadContext,
        next: @concurrent (Request, RoadsteadContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound && context.endpointPath == Self.unmatched {
            throw explained(request)
        }
    }

    private func explained(_ request: Request) -> ServerError {
        let path = request.uri.path.split(separator: "/")
        let known = methods.filter { Self.matches($0.segments, path) }.map(\.method)
        guard known.isEmpty else {
            return ServerError(
                .methodNotAllowed, "this address does not take \(request.method.rawValue)",
                hint: "it takes \(Set(known).sorted().joined(separator: ", "))")
        }
        return ServerError(.notFound, "there is nothing at this address", hint: "see /openapi.json")
    }

    private static func matches(_ pattern: [Substring], _ path: [Substring]) -> Bool {
        pattern.count == path.count && zip(pattern, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
