import CoreMetrics
import HTTPTypes
import Hummingbird
import Logging
import Observability

/// Surrounds every routed request: errors become answers, security headers are set, the request is counted and logged.
struct RequestBoundary: RouterMiddleware {
    let metrics: any MetricsFactory
    /// Whether callers came by HTTPS.
    let isEncrypted: Bool

    func handle(
        _ request: Request, context: RoadsteadContext,
        next: @concurrent (Request, RoadsteadContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            response = try await next(request, context)
        } catch is CancellationError {
            response = ProblemResponse.response(
                for: ServerError(.unavailable, "the server is shutting down", hint: "try again"),
                requestID: context.requestID)
        } catch {
            if ProblemResponse.isFault(error) { log(error, request, context) }
            response = ProblemResponse.response(for: error, requestID: context.requestID)
        }
        secure(&response, context)
        count(request, context, response.status, ContinuousClock.now - start)
        return response
    }

    private func secure(_ response: inout Response, _ context: RoadsteadContext) {
        response.headers[.xRequestID] = context.requestID
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        response.headers[.referrerPolicy] = "no-referrer"
        response.headers[.crossOriginResourcePolicy] = "same-origin"
        if isEncrypted { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    }

    private func count(
        _ request: Request, _ context: RoadsteadContext, _ status: HTTPResponse.Status, _ duration: Duration
    ) {
        let route = context.endpointPath ?? "none"
        let (seconds, attoseconds) = duration.components
        Counter(
            label: MetricName.httpRequests.rawValue,
            dimensions: [("method", request.method.rawValue), ("route", route), ("status", String(status.code))],
            factory: metrics
        ).increment()
        CoreMetrics.Timer(
            label: MetricName.httpDuration.rawValue, dimensions: [("route", route)], factory: metrics
        ).recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        context.logger.debug(
            "answered",
            metadata: [
                LogKey.method.rawValue: "\(request.method.rawValue)", LogKey.route.rawValue: "\(route)",
                LogKey.status.rawValue: "\(status.code)",
                LogKey.milliseconds.rawValue: "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)",
            ])
    }

    private func log(_ error: any Error, _ request: Request, _ context: RoadsteadContext) {
        context.logger.error(
            "request failed",
            metadata: [
                LogKey.requestID.rawValue: "\(context.requestID)",
                LogKey.method.rawValue: "\(request.method.rawValue)",
                LogKey.route.rawValue: "\(context.endpointPath ?? "none")",
                LogKey.reason.rawValue: "\(String(reflecting: error))",
            ])
    }
}

extension HTTPField.Name {
    static let xRequestID = knownName("X-Request-ID")
    static let xForwardedFor = knownName("X-Forwarded-For")
    static let forwarded = knownName("Forwarded")
    static let referrerPolicy = knownName("Referrer-Policy")
    static let crossOriginResourcePolicy = knownName("Cross-Origin-Resource-Policy")
    static let idempotencyKey = knownName("Idempotency-Key")
    static let idempotentReplayed = knownName("Idempotent-Replayed")

    /// A name whose spelling is a constant of this program.
    private static func knownName(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is not a header's name") }
        return name
    }
}
