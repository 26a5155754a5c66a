import Codecs

/// What is served beside the API: published files, and what operators and programs ask.
enum OpenPaths {
    static func items(_ problem: JSON) -> [(String, JSON)] {
        let trouble: JSON = ["description": "A problem", "content": ["application/problem+json": ["schema": problem]]]
        let json = ["application/json"]
        return [
            (
                "/fleets/{fleet}/metadata/{file}",
                file("Signed metadata of a fleet", [fleet, name("file")], json, trouble)
            ),
            (
                "/fleets/{fleet}/targets/{directory}/{file}",
                file(
                    "A published file", [fleet, name("directory"), name("file")], json + ["application/octet-stream"],
                    trouble)
            ),
            ("/fleets/{fleet}/hint", hint(trouble)),
            ("/openapi.json", get("This document", [("200", answer(json))])),
            ("/healthz", get("Whether the program runs", [("200", answer(json))])),
            (
                "/readyz",
                get(
                    "Whether it can serve: database, migrations, master key",
                    [("200", answer(json)), ("503", answer(json))])
            ),
            (
                "/metrics",
                get(
                    "Prometheus metrics; on loopback, or with a token",
                    [("200", answer(["text/plain"])), ("401", trouble), ("429", trouble), ("503", trouble)],
                    security: [[:], ["token": []]])
            ),
        ]
    }

    static var names: [String] { items([:]).map(\.0) }

    private static func file(_ summary: String, _ parameters: [JSON], _ types: [String], _ trouble: JSON) -> JSON {
        get(
            "\(summary); cacheable, with a strong ETag",
            [
                ("200", answer(types, headers: cached)), ("304", ["description": "Unchanged", "headers": cached]),
                ("404", absent), ("503", trouble),
            ], parameters + [header("If-None-Match")])
    }

    private static func hint(_ trouble: JSON) -> JSON {
        get(
            "Waits up to 55 seconds until the fleet's timestamp is newer than `after`; untrusted",
            [
                ("200", answer(["application/json"])), ("204", ["description": "Nothing new"]), ("400", trouble),
                ("404", absent), ("503", trouble),
            ],
            [
                fleet,
                parameter(
                    "after", "query", ["type": "integer", "minimum": 0, "maximum": .integer(.max), "default": 0],
                    "version of the timestamp that is known"),
            ])
    }

    private static func get(
        _ summary: String, _ responses: [(String, JSON)], _ parameters: [JSON] = [], security: JSON = []
    ) -> JSON {
        [
            "get": [
                "summary": .string(summary), "tags": ["delivery and operation"], "parameters": .array(parameters),
                "security": security, "responses": .object(JSONObject(responses)),
            ]
        ]
    }

    private static func answer(_ types: [String], headers: JSON? = nil) -> JSON {
        var answer = JSONObject([
            ("description", "OK"), ("content", .object(JSONObject(types.map { ($0, [:]) }))),
        ])
        if let headers { answer["headers"] = headers }
        return .object(answer)
    }

    private static let cached: JSON = [
        "ETag": ["required": true, "schema": ["type": "string"]],
        "Cache-Control": ["required": true, "schema": ["type": "string"]],
    ]
    private static let absent: JSON = ["description": "There is no such file; the body is empty"]
    private static let fleet = parameter("fleet", "path", ParameterForm.slug("demo").schema)

    private static func name(_ name: String) -> JSON {
        parameter(name, "path", ["type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$"])
    }

    private static func header(_ name: String) -> JSON { parameter(name, "header", ["type": "string"]) }

    private static func parameter(_ name: String, _ place: String, _ schema: JSON, _ summary: String? = nil) -> JSON {
        var parameter = JSONObject([
            ("name", .string(name)), ("in", .string(place)), ("required", .bool(place == "path")), ("schema", schema),
        ])
        if let summary { parameter["description"] = .string(summary) }
        return .object(parameter)
    }
}
