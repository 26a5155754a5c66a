import Hummingbird
import NIOCore
import Observability

/// What operators ask, on a listener of its own: callers of keys learn nothing about each other.
struct OperatorRoutes: Sendable {
    let readiness: Readiness
    let metrics: SignerMetrics

    var router: Router<SignerContext> {
        let router = Router(context: SignerContext.self)
        router.add(middleware: ErrorAnswers(metrics: metrics))
        readiness.add(to: router)
        router.get("metrics") { _, _ in
            await metrics.sample(readiness.keys, readiness.log)
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: metrics.registry.text())))
        }
        return router
    }
}
