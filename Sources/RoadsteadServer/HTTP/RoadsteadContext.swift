import Hummingbird
import Logging
import NIOCore

/// What travels with a request.
struct RoadsteadContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Where the connection comes from; nil for sockets without an address.
    let remoteAddress: SocketAddress?
    /// The connection, for what its TLS handshake proved.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        remoteAddress = source.channel.remoteAddress
        channel = source.channel
    }

    /// Names the request in logs, error bodies and the audit log.
    var requestID: String {
        guard case .stringConvertible(let id)? = logger[metadataKey: "hb.request.id"] else { return "-" }
        return id.description
    }
}
