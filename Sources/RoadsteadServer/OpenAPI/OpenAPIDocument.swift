import Codecs
import HTTPTypes
import RoadsteadWire

/// The description of the API, made from the same endpoints that the router runs. [OpenAPI 3.1.0]
struct OpenAPIDocument {
    let json: JSON

    init(endpoints: [Endpoint], version: String) {
        var probe = SchemaProbe()
        let problem = probe.schema(of: ProblemBody.self)
        var paths = JSONObject()
        for path in Self.orderedPaths(endpoints) {
            var item = JSONObject()
            for endpoint in endpoints where endpoint.path == path {
                item[endpoint.method.rawValue.lowercased()] = Self.operation(endpoint, &probe)
            }
            paths[path] = .object(item)
        }
        for (path, item) in OpenPaths.items(problem) { paths[path] = item }
        let schemas = probe.components.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        json = [
            "openapi": "3.1.0",
            "info": ["title": "Roadstead", "version": .string(version), "description": .string(Self.description)],
            "paths": .object(paths),
            "components": [
                "schemas": .object(JSONObject(schemas)),
                "responses": .object(JSONObject(PossibleAnswers.problems(of: endpoints, problem))),
                "headers": .object(JSONObject(PossibleAnswers.headers)),
                "securitySchemes": [
                    "token": ["type": "http", "scheme": "bearer", "description": "an API token, rst_…"],
                    "bootstrapToken": [
                        "type": "http", "scheme": "bearer", "description": "the bootstrap token, rsb_…",
                    ],
                ],
            ],
        ]
    }

    private static let description = """
        Whose signatures a fleet of container hosts believes. Errors are application/problem+json with a stable `type`. \
        HEAD is answered wherever GET is, OPTIONS with the methods that an address takes, any other method with 405 and \
        Allow.
        """

    private static func orderedPaths(_ endpoints: [Endpoint]) -> [String] {
        var seen: Set<String> = []
        return endpoints.map(\.path).filter { seen.insert($0).inserted }
    }

    private static func operation(_ endpoint: Endpoint, _ probe: inout SchemaProbe) -> JSON {
        var operation = JSONObject([
            ("summary", .string(endpoint.summary)), ("tags", [.string(endpoint.tag)]),
            ("operationId", .string(identifier(endpoint))),
        ])
        let parameters = parameters(endpoint)
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body = endpoint.body {
            operation["requestBody"] = [
                "required": true,
                "description": .string("at most \(endpoint.bodyLimit) bytes"),
                "content": ["application/json": ["schema": probe.schema(of: body)]],
            ]
        }
        var successes = [(String(endpoint.status.code), success(endpoint, &probe))]
        if endpoint.mayWait { successes.append(("202", waiting(&probe))) }
        operation["responses"] = .object(
            JSONObject(successes + endpoint.problems.map(PossibleAnswers.reference)))
        operation["security"] = endpoint.access == .open ? [] : [.object(JSONObject([(endpoint.access.rawValue, [])]))]
        return .object(operation)
    }

    private static func success(_ endpoint: Endpoint, _ probe: inout SchemaProbe) -> JSON {
        var names = ["X-Request-ID"]
        if endpoint.repeats == .replayed { names.append("Idempotent-Replayed") }
        var success = JSONObject([("description", .string(endpoint.status.reasonPhrase))])
        if let answer = endpoint.answer {
            names.append("ETag")
            success["content"] = .object(JSONObject([(endpoint.mediaType, ["schema": probe.schema(of: answer)])]))
        }
        success["headers"] = PossibleAnswers.headers(names)
        return .object(success)
    }

    private static func waiting(_ probe: inout SchemaProbe) -> JSON {
        [
            "description": "Accepted as a change that waits for others; Location names it",
            "headers": PossibleAnswers.headers(["X-Request-ID", "Idempotent-Replayed", "ETag", "Location"]),
            "content": ["application/json": ["schema": probe.schema(of: ChangeBody.self)]],
        ]
    }

    private static func identifier(_ endpoint: Endpoint) -> String {
        let words = endpoint.path.split { !$0.isLetter && !$0.isNumber }.dropFirst(
            endpoint.path.hasPrefix("/v1") ? 1 : 0)
        return endpoint.method.rawValue.lowercased() + words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    // MARK: Parameters

    private static func parameters(_ endpoint: Endpoint) -> [JSON] {
        var parameters = endpoint.pathParameters.map { name in
            parameter(name, "path", required: true, nil, ParameterForm.inPath(name, of: endpoint.path))
        }
        parameters += endpoint.queries.map { query in
            parameter(
                query.name, "query", required: query.isRequired, query.summary,
                query.form ?? ParameterForm.usual(query.name))
        }
        if endpoint.repeats != .harmless {
            parameters.append(
                parameter(
                    "Idempotency-Key", "header", required: false,
                    "the same request with the same key takes effect once, for 24 hours",
                    ParameterForm(schema: ["type": "string", "pattern": "^[!-~]{1,128}$"])))
        }
        if endpoint.concurrency != .none {
            parameters.append(
                parameter(
                    "If-Match", "header", required: endpoint.concurrency == .ifMatch,
                    "the version that was read, in double quotes",
                    ParameterForm(schema: [
                        "type": "string", "pattern": "^\"[1-9][0-9]{0,17}\"$", "examples": ["\"1\""],
                    ])))
        }
        return parameters
    }

    private static func parameter(
        _ name: String, _ place: String, required: Bool, _ summary: String?, _ form: ParameterForm?
    ) -> JSON {
        var parameter = JSONObject([
            ("name", .string(name)), ("in", .string(place)), ("required", .bool(required)),
            ("schema", form?.schema ?? ["type": "string"]),
        ])
        if let summary { parameter["description"] = .string(summary) }
        return .object(parameter)
    }
}
