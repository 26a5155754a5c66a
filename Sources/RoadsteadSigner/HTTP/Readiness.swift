import Codecs
import Hummingbird

/// Whether the service lives, and how its keys and its log are.
struct Readiness: Sendable {
    let keys: [SigningKey]
    let log: DecisionLog
    /// Whether keys are named, and what ails them; strangers on the network are told how many there are.
    var namesKeys = true

    func add(to router: Router<SignerContext>) {
        router.get("healthz") { _, _ in Answers.json(.ok, ["status": "alive"]) }
        router.get("readyz") { _, _ in await ready() }
    }

    private func ready() async -> Response {
        let (isReady, body) = await report()
        return Answers.json(isReady ? .ok : .serviceUnavailable, body)
    }

    /// Ready while decisions are recorded and some key signs; says of each key how it is.
    func report() async -> (isReady: Bool, body: JSON) {
        var (states, working): ([JSON], Int) = ([], 0)
        for key in keys {
            let problem = await key.problem
            if problem == nil { working += 1 }
            var state = JSONObject([("name", .string(key.name)), ("ready", .bool(problem == nil))])
            if let problem { state["problem"] = .string(problem) }
            states.append(.object(state))
        }
        let log = await log.problem
        let status =
            log == nil && working == keys.count ? "ready" : log == nil && working > 0 ? "degraded" : "not ready"
        let body: JSON =
            namesKeys
            ? ["status": .string(status), "keys": .array(states), "log": .string(log ?? "recording")]
            : [
                "status": .string(status), "keysReady": .integer(Int64(working)),
                "keysInAll": .integer(Int64(keys.count)),
            ]
        return (status != "not ready", body)
    }
}
