import Codecs
import RoadsteadCommand
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadRemote

@Suite struct YAML {
    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let text: String
        let says: String
    }

    @Test(arguments: [
        Bad(testDescription: "a key twice", text: "a: 1\nb: 2\na: 3\n", says: "f.yaml"),
        Bad(testDescription: "an alias", text: "a: &x [1]\nb: *x\n", says: "an alias"),
        Bad(
            testDescription: "a bomb of aliases",
            text: "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\n", says: "an alias"),
        Bad(testDescription: "a tag", text: "a: !!binary aGk=\n", says: "f.yaml:1: a tag"),
        Bad(testDescription: "nothing for a value", text: "a: 1\nb:\n", says: "f.yaml:2: nothing"),
        Bad(testDescription: "a list for a key", text: "? [a, b]\n: 1\n", says: "no text"),
        Bad(
            testDescription: "too deep", text: String(repeating: "[", count: 40) + String(repeating: "]", count: 40),
            says: "deeper"),
        Bad(testDescription: "no YAML", text: "a: [1\n", says: "f.yaml is not YAML"),
    ])
    func `what could mislead is refused with its place`(bad: Bad) throws {
        let error = try #require(throws: RemoteError.self) { _ = try YAMLDocuments(bad.text, name: "f.yaml") }
        #expect(error.reason.contains(bad.says), "\(error.reason)")
    }

    @Test func `documents are read with the lines that they begin at`() throws {
        let read = try YAMLDocuments("# note\nkind: A\n---\nkind: B\nn: 3\nt: \"3\"\nok: true\n", name: "f").documents
        #expect(read.map(\.line) == [2, 4])
        #expect(read.map(\.tree) == [["kind": "A"], ["kind": "B", "n": 3, "t": "3", "ok": true]])
    }

    @Test func `a change that was shown in either form is edited from it`() throws {
        let edit = ChangeEdit(
            operations: [.other(.removeAnchor(id: 7)), .governed(RevokeRole(binding: 3))], justification: "no: longer",
            ticket: "12", breakGlass: nil)
        let tree = try JSON(encoding: edit)
        for text in [tree.text, " \n" + tree.text, YAMLText.documents([tree])] {
            #expect(try document(text, name: "f").decode(ChangeEdit.self, place: "f") == edit, "\(text)")
        }
        #expect(throws: RemoteError.self) { try document("a: 1\n---\nb: 2\n", name: "f") }
        #expect(throws: RemoteError.self) { try document("", name: "f") }
    }

    @Test func `whatever is written is read back the same`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let tree = JSON.object(Self.object(depth: 3, &random))
            let text = YAMLText.documents([tree, ["kind": "End"]])
            let read = try YAMLDocuments(text, name: "f").documents
            #expect(read.map(\.tree) == [tree, ["kind": "End"]], "\(text)")
        }
    }

    private static let texts = [
        "acme", "true", "no", "12", "-3", "", " lead", "trail ", "a: b", "# no", "line\nline\n", "line\n\nline\n",
        "é\"\\",
        "registry.example.com/acme", "C=US,O=Acme", "*", "&x", "- item", "null", "~", "\u{7}", "\u{85}",
        "🚢",
        "-----BEGIN CERTIFICATE-----\nMIIB==\n-----END CERTIFICATE-----\n", "2026-11-22T10:00:00Z", "0x10", "1e3", "|",
    ]

    private static func object(depth: Int, _ random: inout SystemRandomNumberGenerator) -> JSONObject {
        var object = JSONObject()
        for index in 0..<Int.random(in: 1...4, using: &random) { object["k\(index)"] = value(depth: depth, &random) }
        return object
    }

    private static func value(depth: Int, _ random: inout SystemRandomNumberGenerator) -> JSON {
        switch Int.random(in: 0...(depth > 0 ? 5 : 3), using: &random) {
        case 0: return .bool(Bool.random(using: &random))
        case 1: return .integer(Int64.random(in: -1_000...1_000, using: &random))
        case 2, 3: return .string(texts.randomElement(using: &random) ?? "")
        case 4:
            return .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth: depth - 1, &random) })
        default: return .object(object(depth: depth - 1, &random))
        }
    }
}
