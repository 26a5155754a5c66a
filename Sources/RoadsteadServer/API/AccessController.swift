import HTTPTypes
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// What the caller may do: the same decision that every operation makes, explained.
struct AccessController: Sendable {
    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/can-i", "Whether the caller may do something, by which role or why not", tag: "people",
                permission: .own,
                queries: [
                    .init(
                        name: "object", summary: "team:NAME, fleet:NAME, everything, audit or C-NUMBER",
                        isRequired: true),
                    .init(name: "verb", summary: "what to do to it; all that means something there unless said"),
                ]
            ) { call in
                guard let object = call.query("object") else {
                    throw ServerError(.request, "no object is named", hint: "?verb=propose&object=team:acme")
                }
                return Page(items: try await decisions(call.query("verb"), object, call), next: nil)
            }
        ]
    }

    private func decisions(_ word: String?, _ object: String, _ call: Call) async throws -> [AccessBody] {
        let session = try call.caller()
        let verbs = try word.map { [try PermissionVerb(word: $0)] } ?? PermissionVerb.allCases.sorted()
        let asked = try await permissions(of: verbs, on: object)
        guard !asked.isEmpty else {
            throw ServerError(
                .request, "\"\((word ?? "").prefix(40))\" means nothing for \(object.prefix(80))",
                hint: "leave the verb out to see what does")
        }
        return asked.map { AccessBody($0.verb, object, session.decide($0.permission)) }
    }

    private func permissions(
        of verbs: [PermissionVerb], on object: String
    ) async throws -> [(verb: PermissionVerb, permission: Permission)] {
        if object.hasPrefix("C-"), let number = Int64(object.dropFirst(2)) {
            let change = try await store.change(number).change
            return verbs.filter { $0 == .approve }.map { ($0, change.content.approval) }
        }
        let place = try PermissionObject(object)
        return verbs.compactMap { verb in verb.permission(on: place).map { (verb, $0) } }
    }
}
