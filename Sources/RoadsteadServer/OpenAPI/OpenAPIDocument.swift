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
                item[endpoint.method.rawValue.lowercased()] = Self.operation(endpoint, problem, &probe)
            }
            paths[path] = .object(item)
        }
        for (path, item) in Self.openPaths { paths[path] = item }
        let schemas = probe.components.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        json = [
            "openapi": "3.1.0",
            "info": [
                "title": "Roadstead", "version": .string(version),
                "description":
                    "Whose signatures a fleet of container hosts believes. Errors are application/problem+json.",
            ],
            "paths": .object(paths),
            "components": [
                "schemas": .object(JSONObject(schemas)),
                "securitySchemes": [
                    "token": ["type": "http", "scheme": "bearer", "description": "an API token, rst_…"],
                    "bootstrapToken": [
                        "type": "http", "scheme": "bearer", "description": "the bootstrap token, rsb_…",
                    ],
                ],
            ],
        ]
    }

    private static func orderedPaths(_ endpoints: [Endpoint]) -> [String] {
        var seen: Set<String> = []
        return endpoints.map(\.path).filter { seen.insert($0).inserted }
    }

    private static func operation(_ endpoint: Endpoint, _ problem: JSON, _ probe: inout SchemaProbe) -> JSON {
        var operation = JSONObject([
            ("summary", .string(endpoint.summary)), ("tags", [.string(endpoint.tag)]),
            ("operationId", .string(identifier(endpoint))),
        ])
        let parameters = parameters(endpoint)
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body = endpoint.body {
            operation["requestBody"] = [
                "required": true, "content": ["application/json": ["schema": probe.schema(of: body)]],
            ]
        }
        var success = JSONObject([("description", .string(endpoint.status.reasonPhrase))])
        if let answer = endpoint.answer {
            success["content"] = ["application/json": ["schema": probe.schema(of: answer)]]
        }
        operation["responses"] = .object(
            JSONObject([
                (String(endpoint.status.code), .object(success)),
                (
                    "default",
                    ["description": "A problem", "content": ["application/problem+json": ["schema": problem]]]
                ),
            ]))
        operation["security"] = endpoint.access == .open ? [] : [.object(JSONObject([(endpoint.access.rawValue, [])]))]
        return .object(operation)
    }

    private static func identifier(_ endpoint: Endpoint) -> String {
        let words = endpoint.path.split { !$0.isLetter && !$0.isNumber }.dropFirst(
            endpoint.path.hasPrefix("/v1") ? 1 : 0)
        return endpoint.method.rawValue.lowercased() + words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private static func parameters(_ endpoint: Endpoint) -> [JSON] {
        var parameters = endpoint.pathParameters.map { parameter($0, "path", required: true, nil) }
        parameters += endpoint.queries.map { parameter($0.name, "query", required: false, $0.summary) }
        if endpoint.repeats != .harmless {
            parameters.append(
                parameter(
                    "Idempotency-Key", "header", required: false,
                    "1 to 128 printable characters: the same request with the same key takes effect once, for 24 hours")
            )
        }
        if endpoint.concurrency == .ifMatch {
            parameters.append(
                parameter("If-Match", "header", required: true, "the version that was read, in double quotes"))
        }
        return parameters
    }

    private static func parameter(_ name: String, _ place: String, required: Bool, _ summary: String?) -> JSON {
        var parameter = JSONObject([
            ("name", .string(name)), ("in", .string(place)), ("required", .bool(required)),
            ("schema", ["type": "string"]),
        ])
        if let summary { parameter["description"] = .string(summary) }
        return .object(parameter)
    }

    /// What is served beside the API.
    private static let openPaths: [(String, JSON)] = [
        ("/fleets/{fleet}/metadata/{file}", file("Signed metadata of a fleet", "application/json")),
        ("/fleets/{fleet}/targets/{directory}/{file}", file("A published file", "application/octet-stream")),
        (
            "/fleets/{fleet}/hint",
            get(
                "Waits up to 55 seconds until the fleet's timestamp is newer than `after`; untrusted",
                [
                    path("fleet"),
                    parameter("after", "query", required: false, "version of the timestamp that is known"),
                ],
                "application/json")
        ),
        ("/openapi.json", get("This document", [], "application/json")),
        ("/healthz", get("Whether the program runs", [], "application/json")),
        ("/readyz", get("Whether it can serve: database, migrations, master key", [], "application/json")),
        ("/metrics", get("Prometheus metrics; on loopback, or with a token", [], "text/plain")),
    ]

    /// Paths outside the endpoints that the document names.
    static var openPathNames: [String] { openPaths.map(\.0) }

    private static func path(_ name: String) -> JSON { parameter(name, "path", required: true, nil) }

    private static func file(_ summary: String, _ type: String) -> JSON {
        get("\(summary); cacheable, with a strong ETag", [path("fleet"), path("file")], type)
    }

    private static func get(_ summary: String, _ parameters: [JSON], _ type: String) -> JSON {
        [
            "get": [
                "summary": .string(summary), "parameters": .array(parameters), "security": [],
                "responses": ["200": ["description": "OK", "content": .object(JSONObject([(type, [:])]))]],
            ]
        ]
    }
}
