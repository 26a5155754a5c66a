import NIOCore
import NIOPosix
import NIOSSL

/// Sends every request that the server makes of its own accord, within the operator's policy.
///
/// A name is looked up once per hop; all its addresses are checked, and the connection goes to one of those very
/// addresses, so that a name cannot lead elsewhere in between. TLS is verified against the host of the URL. Redirects of
/// GET and HEAD are followed and checked anew, without the caller's headers once they leave the origin; others are
/// answers. No proxy, no cookies, no compression, no connection is kept.
package struct OutboundClient: Sendable {
    package let policy: OutboundPolicy
    private let resolver: NameResolver
    private let tls: NIOSSLContext
    private let userAgent: String

    static let mostRedirects = 3
    static let headerBytes = 32 * 1_024
    static let mostHeaders = 100

    /// - Parameter caFile: a PEM file with CA certificates that are believed beside the system's.
    package init(
        policy: OutboundPolicy, caFile: String? = nil, userAgent: String = "roadstead", resolver: NameResolver = .system
    ) throws {
        self.policy = policy
        self.resolver = resolver
        self.userAgent = userAgent
        tls = try Self.context(caFile)
    }

    /// Sends a request and takes the whole answer.
    ///
    /// - Throws: `OutboundError`, or `CancellationError` when the task was cancelled.
    package func request(_ request: OutboundRequest) async throws -> OutboundResponse {
        let time = min(policy.timeout, request.timeout ?? policy.timeout)
        let deadline = NIODeadline.now() + TimeAmount(time)
        let start = try OutboundURL(request.url)
        try Self.check(request)
        var url = start
        for hop in 0...Self.mostRedirects {
            let exchange = try await plan(request, url, isAtHome: url.origin == start.origin, deadline)
            let response = try await exchange.run()
            guard let next = try redirect(request, response) else { return response }
            guard hop < Self.mostRedirects else { break }
            guard url.scheme == .http || next.scheme == .https else {
                throw OutboundError(.redirect, "\(url.origin) redirects from https to http")
            }
            url = next
        }
        throw OutboundError(.redirect, "\(start.origin) redirects more than \(Self.mostRedirects) times")
    }

    /// Looks up and checks where a hop goes.
    private func plan(
        _ request: OutboundRequest, _ url: OutboundURL, isAtHome: Bool, _ deadline: NIODeadline
    ) async throws -> Exchange {
        try policy.check(url)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let addresses: [IPAddress]
        if let literal = url.literal {
            addresses = [literal]
        } else {
            addresses = try await resolver.lookUp(url.host, loop)
                .orFail(at: deadline, "the name \(url.host) was not looked up in time", on: loop).get()
        }
        try policy.check(addresses, of: url)
        var headers = [("Host", url.authority), ("User-Agent", userAgent), ("Connection", "close")]
        headers += isAtHome ? request.headers.map { ($0.name, $0.value) } : []
        if request.method.hasBody { headers.append(("Content-Length", String(request.body.count))) }
        return Exchange(
            method: request.method, url: url, headers: headers, body: request.body, addresses: addresses,
            tls: url.scheme == .https ? tls : nil,
            limit: min(policy.maximumBytes, request.maximumBytes ?? policy.maximumBytes),
            deadline: deadline, connectTimeout: TimeAmount(policy.connectTimeout), loop: loop)
    }

    private func redirect(_ request: OutboundRequest, _ response: OutboundResponse) throws -> OutboundURL? {
        guard request.followsRedirects, !request.method.hasBody, [301, 302, 303, 307, 308].contains(response.status),
            let location = response.header("Location")
        else { return nil }
        return try response.url.following(location)
    }

    private static let ownHeaders: Set<String> = [
        "host", "connection", "content-length", "transfer-encoding", "user-agent", "accept-encoding", "upgrade", "te",
        "trailer", "expect",
    ]

    private static func check(_ request: OutboundRequest) throws(OutboundError) {
        for (name, value) in request.headers {
            let isName =
                !name.isEmpty && name.utf8.allSatisfy { isLetter($0) || $0 == 0x2d || (0x30...0x39).contains($0) }
            guard isName, !ownHeaders.contains(name.lowercased()), value.utf8.count <= 8_192,
                value.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
            else { throw OutboundError(.url, "the header \"\(name.prefix(40))\" cannot be sent") }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }

    private static func context(_ caFile: String?) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let caFile {
            let own = (try? NIOSSLCertificate.fromPEMFile(caFile)) ?? []
            guard !own.isEmpty else {
                throw OutboundError(
                    .configuration, "the CA file \(caFile) holds no certificate in PEM, or cannot be read")
            }
            configuration.additionalTrustRoots = [.certificates(own)]
        }
        return try NIOSSLContext(configuration: configuration)
    }
}

extension EventLoopFuture where Value: Sendable {
    /// The same outcome, or a failure as soon as time is up.
    func orFail(at deadline: NIODeadline, _ what: String, on loop: any EventLoop) -> EventLoopFuture<Value> {
        let promise = loop.makePromise(of: Value.self)
        let alarm = loop.scheduleTask(deadline: deadline) { promise.fail(OutboundError(.deadline, what)) }
        hop(to: loop).whenComplete { result in
            alarm.cancel()
            promise.completeWith(result)
        }
        return promise.futureResult
    }
}
