import HTTPTypes
import Hummingbird
import NIOCore

/// Knows which peers may speak plain HTTP for others, and who a request really comes from.
struct ProxyGuard: Sendable {
    /// Addresses of proxies that terminate TLS.
    let trusted: Set<String>
    /// Whether anybody else must be refused: plain HTTP off loopback.
    let refusesOthers: Bool

    /// - Throws: `.exposed` when the request came around the proxy.
    func check(_ context: RoadsteadContext) throws {
        guard refusesOthers, let address = context.remoteAddress?.ipAddress else { return }
        guard trusted.contains(address) || Self.isLoopback(address) else {
            throw ServerError(
                .exposed, "this server takes requests from its proxy only",
                hint: "use the address that your operator gave you, which begins with https://")
        }
    }

    /// The address that limits are counted for: what a trusted proxy vouches for, else the peer.
    func client(_ request: Request, _ context: RoadsteadContext) -> String {
        guard let peer = context.remoteAddress?.ipAddress else { return "local" }
        guard trusted.contains(peer), let forwarded = request.headers[.xForwardedFor],
            let last = forwarded.split(separator: ",").last
        else { return peer }
        return String(last.drop { $0 == " " }.prefix(64))
    }

    /// Whether the peer speaks for others: a key that its connection proves is its own, and none of theirs.
    func speaksForOthers(_ context: RoadsteadContext) -> Bool {
        guard let peer = context.remoteAddress?.ipAddress else { return false }
        let mapped = "::ffff:"
        return trusted.contains(peer)
            || peer.hasPrefix(mapped) && trusted.contains(String(peer.dropFirst(mapped.count)))
    }

    /// Whether the request was made on this machine, and not through a proxy on it.
    func isLocal(_ request: Request, _ context: RoadsteadContext) -> Bool {
        guard request.headers[.xForwardedFor] == nil, request.headers[.forwarded] == nil else { return false }
        guard let address = context.remoteAddress?.ipAddress else { return true }
        return Self.isLoopback(address)
    }

    private static func isLoopback(_ address: String) -> Bool {
        address == "::1" || address.hasPrefix("127.") || address == "::ffff:127.0.0.1"
    }
}
