import CloudKeys
import Outbound

/// Speaks to a key service by the door that every request of the server takes, and to nobody else: what a service says of
/// other addresses leads nowhere.
struct OutboundKeyTransport: KeyServiceTransport {
    private let client: OutboundClient
    private let doors: Set<HostRule>

    /// - Parameter addresses: of the service and of who gives out its tokens, open because the operator configured them.
    ///   Hosts in `outbound.allow` are open too.
    init(_ addresses: [String], _ outbound: OutboundSettings, deadline: Duration) throws {
        doors = Set(try addresses.map { Self.rule(try OutboundURL($0)) } + outbound.allowed)
        client = try OutboundClient(
            policy: OutboundPolicy(
                allowed: Array(doors), maximumBytes: KeyServiceRequest.maximumBytes, timeout: deadline,
                connectTimeout: deadline),
            caFile: outbound.authority, userAgent: "roadstead-server/\(ServerProgram.version)")
    }

    private static func rule(_ url: OutboundURL) -> HostRule {
        .host(scheme: url.scheme, name: url.host, port: url.port)
    }

    /// Refuses where the service is not.
    private func check(_ text: String) throws {
        let url = try OutboundURL(text)
        guard doors.contains(Self.rule(url)) else {
            throw CloudKeyError(
                .address, "\(url.origin) is no address of the key service that the configuration gives",
                hint: "if it is one, list it in outbound.allow")
        }
    }

    func send(_ request: KeyServiceRequest) async throws -> KeyServiceResponse {
        let method: OutboundRequest.Method =
            switch request.method {
            case .get: .get
            case .post: .post
            case .put: .put
            }
        do {
            try check(request.url)
            let response = try await client.request(
                OutboundRequest(
                    method, request.url, headers: request.headers, body: request.body,
                    maximumBytes: request.maximumBytes, followsRedirects: false, timeout: request.timeout))
            return KeyServiceResponse(status: response.status, headers: response.headers, body: response.body)
        } catch let error as OutboundError {
            throw CloudKeyError(Self.code(error.code), error.reason, hint: error.hint)
        }
    }

    private static func code(_ code: OutboundError.Code) -> CloudKeyError.Code {
        switch code {
        case .deadline: .deadline
        case .url, .refused, .configuration: .address
        case .tooLarge, .answer, .redirect: .answer
        case .unresolved, .unreachable: .unreachable
        }
    }
}
