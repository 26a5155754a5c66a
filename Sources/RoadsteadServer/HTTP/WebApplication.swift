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
    /// Whether callers reach this server by HTTPS, and should keep to it.
    var isEncrypted = false

    var responder: FrontResponder<RouterResponder<RoadsteadContext>> {
        let router = Router(context: RoadsteadContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestBoundary(metrics: metrics, isEncrypted: isEncrypted))
        router.add(middleware: MethodGuide(endpoints: endpoints, others: OperatorRoutes.paths))
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
        limits.maxHeaderFieldSize = 20 * 1_024
        limits.maxHeaderListSize = 36 * 1_024
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
            if let authority = files.clientAuthority {
                let roots = try NIOSSLCertificate.fromPEMFile(authority)
                configuration.trustRoots = .certificates(roots)
                // Whoever shows a certificate shows a good one; who shows none has other credentials.
                configuration.certificateVerification = .optionalVerification
            }
            return configuration
        } catch {
            let more = files.clientAuthority.map { ", or the clients' CA \($0)" } ?? ""
            throw ServerError(
                .configuration,
                "the TLS certificate \(files.certificate) and its key \(files.key)\(more) cannot be used",
                hint: "all are PEM files that the server may read, and the key belongs to the first certificate")
        }
    }
}

/// Answers a known path with another method by the methods that it has.
struct MethodGuide: RouterMiddleware {
    /// What the router calls a request that no route takes.
    private static let unmatched = "NotFound"
    private let methods: [(segments: [Substring], method: String)]

    /// - Parameter others: paths beside the endpoints, which are read.
    init(endpoints: [Endpoint], others: [String]) {
        methods =
            endpoints.map { ($0.path.split(separator: "/"), $0.method.rawValue) }
            + others.map { ($0.split(separator: "/"), "GET") }
    }

    func handle(
        _ request: Request, context: RoadsteadContext,
        next: @concurrent (Request, RoadsteadContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound && context.endpointPath == Self.unmatched {
            return explained(request, context)
        }
    }

    private func explained(_ request: Request, _ context: RoadsteadContext) -> Response {
        let allowed = allowed(at: request.uri.path)
        guard !allowed.isEmpty else {
            return ProblemResponse.response(
                for: ServerError(.notFound, "there is nothing at this address", hint: "see /openapi.json"),
                requestID: context.requestID)
        }
        let list = allowed.joined(separator: ", ")
        guard request.method != .options else { return Response(status: .noContent, headers: [.allow: list]) }
        var response = ProblemResponse.response(
            for: ServerError(
                .methodNotAllowed, "this address does not take \(request.method.rawValue.prefix(20))",
                hint: "it takes \(list)"), requestID: context.requestID)
        response.headers[.allow] = list
        return response
    }

    /// In the order of the alphabet, HEAD wherever GET is. A word of a path goes before a parameter, as in the router.
    private func allowed(at path: String) -> [String] {
        let path = path.split(separator: "/")
        let matching = methods.filter { Self.matches($0.segments, path) }
        let words = matching.map { Self.words($0.segments) }.max()
        let known = Set(matching.filter { Self.words($0.segments) == words }.map(\.method))
        guard !known.isEmpty else { return [] }
        return known.union(known.contains("GET") ? ["HEAD", "OPTIONS"] : ["OPTIONS"]).sorted()
    }

    private static func words(_ pattern: [Substring]) -> Int { pattern.count { !$0.hasPrefix("{") } }

    private static func matches(_ pattern: [Substring], _ path: [Substring]) -> Bool {
        pattern.count == path.count && zip(pattern, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
