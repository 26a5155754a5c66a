import Codecs
import HTTPTypes
import Hummingbird
import Logging
import PKI
import ReleaseCriteria

/// Everything that the service answers.
struct SignerRoutes: Sendable {
    let gate: CallerGate
    let desk: SigningDesk
    let keys: [SigningKey]
    /// Whether `GET /readyz` names keys to everybody.
    let namesKeys: Bool
    let metrics: SignerMetrics
    let bodyBytes: Int

    var router: Router<SignerContext> {
        let router = Router(context: SignerContext.self)
        router.add(middleware: ErrorAnswers(metrics: metrics))
        Readiness(keys: keys, log: desk.log, namesKeys: namesKeys).add(to: router)
        router.get("v1/keys") { request, context in
            let caller = try await gate.caller(request, context)
            var list: [SigningKeyBody] = []
            for key in keys where key.settings.callers.contains(caller.name) { list.append(await shown(key)) }
            return Answers.json(.ok, ["keys": try JSON(encoding: list)])
        }
        router.get("v1/keys/:name") { request, context in
            let caller = try await gate.caller(request, context)
            let key = try key(context, of: caller)
            return try Answers.json(.ok, encoding: await shown(key))
        }
        router.post("v1/keys/:name/sign") { request, context in try await sign(request, context) }
        return router
    }

    private func sign(_ request: Request, _ context: SignerContext) async throws -> Response {
        let caller = try await gate.caller(request, context)
        let key = try key(context, of: caller)
        let dryRun = try dryRun(request)
        let buffer = try await request.body.collect(upTo: bodyBytes)
        let limits = JSONLimits(bytes: bodyBytes, depth: 40)
        let body: SigningRequestBody = try JSON(parsing: Array(buffer.readableBytesView), limits: limits)
            .decode(place: "request", unknownMembers: .refused)
        switch try await desk.sign(body, key: key, caller: caller, dryRun: dryRun) {
        case .answer(let answer): return try Answers.json(.ok, encoding: answer)
        case .denied(let decision): return try Answers.denied(decision, requestID: context.requestID)
        }
    }

    /// Whether nothing is to be signed. Anything else in the query is refused: it might have been meant as this.
    private func dryRun(_ request: Request) throws(SignerError) -> Bool {
        let query = request.uri.query ?? ""
        switch query {
        case "", "dryRun=false": return false
        case "dryRun=true": return true
        default:
            throw SignerError(
                .request, "the query \"\(query.cut(to: 60))\" is not understood", hint: "dryRun=true or dryRun=false")
        }
    }

    /// A key of the caller's; another one's is not told from one that is not there.
    private func key(_ context: SignerContext, of caller: Caller) throws(SignerError) -> SigningKey {
        let name = context.parameters.get("name")
        guard let key = keys.first(where: { $0.name == name }), key.settings.callers.contains(caller.name) else {
            throw Self.noKey
        }
        return key
    }

    private func shown(_ key: SigningKey) async -> SigningKeyBody {
        let open = await key.current
        return SigningKeyBody(
            name: key.name, usage: key.settings.usage.rawValue, publicKey: open?.publicKey,
            certificateChain: open?.chain.map(\.der) ?? [], problem: await key.problem)
    }

    private static let noKey = SignerError(.notFound, "there is no such key for this caller")
}

/// Turns what is thrown into answers; what the operator must see is logged.
struct ErrorAnswers: RouterMiddleware {
    let metrics: SignerMetrics

    func handle(
        _ request: Request, context: SignerContext,
        next: @concurrent (Request, SignerContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let response = Answers.problem(error, requestID: context.requestID)
            metrics.refused(Answers.code(of: error))
            if response.status.code >= 500 {
                context.logger.error(
                    "request failed",
                    metadata: ["path": "\(request.uri.path)", "reason": "\(String(reflecting: error))"])
            }
            return response
        }
    }
}
