import Codecs
import Hummingbird

/// Whether the service lives, and how its keys and its log are.
struct Readiness: Sendable {
    let keys: [SigningKey]
    let log: DecisionLog

    func add(to router: Router<SignerContext>) {
        router.get("healthz") { _, _ in Answers.json(.ok, ["status": "alive"]) }
        router.get("readyz") { _, _ in await ready() }
    }

    /// Ready while decisions are recorded and some key signs; says of each key how it is.
    private func ready() async -> Response {
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
        let body: JSON = [
            "status": .string(status), "keys": .array(states), "log": .string(log ?? "recording"),
        ]
        return Answers.json(status == "not ready" ? .serviceUnavailable : .ok, body)
    }
}
