import Codecs
import HTTPTypes
import PostgresTesting
import Testing

@testable import RoadsteadServer

@Suite(.postgres) struct OpenAPI {
    private func parts() throws -> ServerParts {
        try ServerParts(try TestAPI.program(try #require(TestDatabase.current), state: "/tmp/unused"))
    }

    @Test func `every route is documented and every documented path exists`() async throws {
        let endpoints = try parts().web.endpoints
        try await TestAPI.withServer { api in
            let served = try await api.send(.get, "/openapi.json")
            let paths = try JSON(parsing: served.body).object("document").object("paths", in: "document")
            for endpoint in endpoints {
                let item = try paths.object(endpoint.path, in: "paths")
                #expect(item[endpoint.method.rawValue.lowercased()] != nil, "\(endpoint.method) \(endpoint.path)")
            }
            let known = Set(endpoints.map(\.path)).union(OpenPaths.names)
            #expect(Set(paths.names) == known)
            for name in paths.names where name.hasPrefix("/v1") {
                let path = name.split(separator: "/").map { $0.hasPrefix("{") ? "1" : $0 }.joined(separator: "/")
                let reply = try await api.send(.trace, "/" + path)
                #expect(reply.status == .methodNotAllowed, "\(name)")
            }
        }
    }

    @Test func `every reference leads to a schema with its members`() throws {
        let endpoints = try parts().web.endpoints
        let document = OpenAPIDocument(endpoints: endpoints, version: "1").json
        let schemas = try document.object("d").object("components", in: "d").object("schemas", in: "d")
        for name in Self.references(document) {
            let schema = try schemas.object(name, in: "schemas")
            let hasMembers = schema["properties"]?.objectOrNil?.isEmpty == false
            #expect(hasMembers || schema["oneOf"]?.arrayOrNil?.isEmpty == false, "\(name)")
        }
        let change = try schemas.object("ChangeBody", in: "schemas")
        #expect(change["required"]?.arrayOrNil?.contains("digest") == true)
        #expect(change["required"]?.arrayOrNil?.contains("ticket") == false)
    }

    @Test func `every parameter has a form, not just any text`() throws {
        for endpoint in try parts().web.endpoints {
            for name in endpoint.pathParameters {
                #expect(
                    ParameterForm.inPath(name, of: endpoint.path) != nil,
                    "{\(name)} of \(endpoint.path): add it to ParameterForm")
            }
            for query in endpoint.queries where query.form == nil {
                #expect(
                    ParameterForm.usual(query.name) != nil,
                    "\(query.name) of \(endpoint.path): give it a form, or add it to ParameterForm")
            }
        }
    }

    @Test func `every operation has its own name`() throws {
        let document = OpenAPIDocument(endpoints: try parts().web.endpoints, version: "1").json
        let paths = try document.object("d").object("paths", in: "d")
        let names = paths.members.flatMap { _, item in
            (item.objectOrNil?.members ?? []).compactMap { $0.value.objectOrNil?["operationId"]?.stringOrNil }
        }
        #expect(Set(names).count == names.count)
        #expect(names.count > 40)
    }

    private static func references(_ json: JSON) -> Set<String> {
        switch json {
        case .array(let values): return values.reduce(into: []) { $0.formUnion(references($1)) }
        case .object(let object):
            let own = object["$ref"]?.stringOrNil.flatMap { $0.hasPrefix("#/components/schemas/") ? $0 : nil }.map {
                String($0.split(separator: "/").last ?? "")
            }
            return object.members.reduce(into: Set([own].compactMap(\.self))) { $0.formUnion(references($1.value)) }
        default: return []
        }
    }
}
