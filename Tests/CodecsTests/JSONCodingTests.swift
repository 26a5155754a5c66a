import Codecs
import Testing

@Suite struct `JSON coding` {
    struct Inner: Codable, Equatable {
        let date: UTCDate
        let counts: [String: Int]
    }

    struct Outer: Codable, Equatable {
        let name: String
        let inner: [Inner]
        let raw: JSON
        let note: String?
        let small: UInt8
    }

    let value = Outer(
        name: "n", inner: [Inner(date: UTCDate(seconds: 0), counts: ["b": 2, "a": 1])], raw: ["x": [1, "y"]], note: nil,
        small: 7)

    @Test func `what is encoded decodes to the same value`() throws {
        let tree = try JSON(encoding: value)
        #expect(tree.text.contains("\"note\"") == false)
        #expect(try JSON(parsing: tree.bytes).decode(Outer.self) == value)
    }

    @Test func `an unknown member is refused where people type and ignored where formats grow`() throws {
        let tree: JSON = ["date": "1970-01-01T00:00:00Z", "counts": [:], "more": 1]
        _ = try tree.decode(Inner.self)
        let error = #expect(throws: CodecError.self) {
            try tree.decode(Inner.self, place: "request", unknownMembers: .refused)
        }
        #expect(error?.code == .unknownMember)
        #expect(error?.reason == "request has a member \"more\" that nothing reads")
    }

    @Test func `an error names the place`() throws {
        let tree = try JSON(parsing: #"{"name":"n","inner":[{"date":"x","counts":{}}],"raw":1,"small":7}"#)
        #expect(throws: CodecError(.value, "")) { try tree.decode(Outer.self, place: "request") }
        let missing = #expect(throws: CodecError.self) { try JSON(parsing: "{}").decode(Outer.self, place: "request") }
        #expect(missing?.reason == "request has no member \"name\"")
    }

    @Test func `an integer out of range is refused`() throws {
        let tree = try JSON(parsing: #"{"name":"n","inner":[],"raw":1,"small":256}"#)
        #expect(throws: CodecError(.value, "")) { try tree.decode(Outer.self) }
    }
}
