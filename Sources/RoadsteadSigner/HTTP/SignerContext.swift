import Hummingbird
import Logging
import NIOCore

/// What travels with a request.
struct SignerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection, for what its TLS handshake proved.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    var requestID: String {
        guard case .stringConvertible(let id)? = logger[metadataKey: "hb.request.id"] else { return "-" }
        return id.description
    }
}
