import Codecs
import CoreMetrics
import HTTPTypes
import Hummingbird
import NIOCore
import Observability
import ServiceLifecycle
import TrustModel

/// Answers `/fleets/…` ahead of the router: exact bytes, strong ETags, no middleware. [facts of delivery: docs/http-api.md]
struct FleetDelivery: Sendable {
    static let prefix = "/fleets/"

    let files: FleetFiles
    private let counters: [Int: Counter]
    private let hintsWaiting: Gauge

    init(files: FleetFiles, metrics: any MetricsFactory) {
        self.files = files
        let statuses = [200, 204, 304, 400, 404, 405, 503]
        counters = Dictionary(
            uniqueKeysWithValues: statuses.map {
                let labels = [("status", String($0))]
                return ($0, Counter(label: MetricName.fleetRequests.rawValue, dimensions: labels, factory: metrics))
            })
        hintsWaiting = Gauge(label: MetricName.hintsWaiting.rawValue, dimensions: [], factory: metrics)
    }

    func respond(to request: Request, path: String, context: RoadsteadContext) async -> Response {
        let response = await answer(request, path, context)
        counters[response.status.code]?.increment()
        return response
    }

    private func answer(_ request: Request, _ path: String, _ context: RoadsteadContext) async -> Response {
        guard request.method == .get || request.method == .head else { return Self.notAllowed }
        if let timestamp = files.timestamp(at: path) { return Self.response(timestamp, request) }
        let end = path.firstIndex(of: "?") ?? path.endIndex
        do {
            if path[..<end].hasSuffix("/hint") { return try await hint(request, path[..<end]) }
            guard let place = FleetPath(path[..<end]) else { return Self.absent(maximumAge: 60) }
            switch files.known(place) {
            case .file(let file): return Self.response(file, request)
            case .absent: return Self.absent(maximumAge: 5)
            case .unknown:
                guard let file = try await files.load(place) else { return Self.absent(maximumAge: 5) }
                return Self.response(file, request)
            }
        } catch {
            return ProblemResponse.response(for: error, requestID: context.requestID)
        }
    }

    // MARK: Files

    private static func response(_ file: ServedFile, _ request: Request) -> Response {
        if let known = request.headers[.ifNoneMatch], matches(known, file.etag) {
            return Response(status: .notModified, headers: file.unchangedHeaders)
        }
        let body = request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: file.body)
        return Response(status: .ok, headers: file.headers, body: body)
    }

    /// Weak comparison, as `If-None-Match` wants it. [RFC 9110 §13.1.2]
    private static func matches(_ header: String, _ etag: String) -> Bool {
        if header == etag { return true }
        return header.split(separator: ",").contains { part in
            let part = part.drop { $0 == " " }
            return part == "*" || part.prefix(etag.count + 2) == "W/" + etag || part.prefix(etag.count) == etag
        }
    }

    /// An empty body: an absent root is part of every refresh. [TUF §5.3.3]
    private static func absent(maximumAge: Int) -> Response {
        Response(status: .notFound, headers: [.cacheControl: "public, max-age=\(maximumAge)"])
    }

    private static let notAllowed = Response(status: .methodNotAllowed, headers: [.allow: "GET, HEAD"])

    // MARK: Hint

    private func hint(_ request: Request, _ path: Substring) async throws -> Response {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, let fleet = FleetName(rawValue: String(parts[2])) else {
            return Self.absent(maximumAge: 60)
        }
        guard let current = files.timestampVersion(fleet) else { return Self.absent(maximumAge: 5) }
        let after = try Self.after(request)
        if current <= after, request.method == .get { try await wait(fleet, after) }
        let version = files.timestampVersion(fleet) ?? current
        // No news is the usual answer and costs few bytes.
        guard version > after else { return Response(status: .noContent, headers: [.cacheControl: "no-store"]) }
        let body = ByteBuffer(string: "{\"timestamp\":\(version)}")
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: body))
    }

    private func wait(_ fleet: FleetName, _ after: Int64) async throws {
        hintsWaiting.record(files.hints.waiting + 1)
        defer { hintsWaiting.record(files.hints.waiting) }
        try await cancelWhenGracefulShutdown { try await files.hints.wait(fleet, after: after) }
    }

    private static func after(_ request: Request) throws -> Int64 {
        guard let text = request.uri.queryParameters["after"] else { return 0 }
        guard let after = Int64(text), after >= 0 else {
            throw ServerError(
                .request, "after is \"\(text.prefix(20))\"", hint: "the timestamp's version that is known")
        }
        return after
    }
}

/// Sends what is published past the router and everything else to it.
struct FrontResponder<Base: HTTPResponder>: HTTPResponder where Base.Context == RoadsteadContext {
    let delivery: FleetDelivery
    let proxies: ProxyGuard
    let base: Base

    func respond(to request: Request, context: RoadsteadContext) async throws -> Response {
        if proxies.refusesOthers {
            do { try proxies.check(context) } catch {
                return ProblemResponse.response(for: error, requestID: context.requestID)
            }
        }
        if let path = request.head.path, path.utf8.starts(with: FleetDelivery.prefix.utf8) {
            return await delivery.respond(to: request, path: path, context: context)
        }
        return try await base.respond(to: request, context: context)
    }
}
