import Testing

@testable import OCI

@Suite struct ReferenceTests {
    static let digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

    @Test(arguments: [
        "registry.example.com/app", "localhost:5000/app:v1", "registry.example.com/team/app@\(digest)",
        "registry.example.com/team/app:1.0@\(digest)", "127.0.0.1:5000/a/b/c", "[::1]:5000/a", "local/app",
        "h/a--b", "h/a__b", "h/a.b_c-d", "Example.COM/a",
    ])
    func `a reference reads and prints the same`(_ text: String) throws {
        #expect(try Reference(text).description == text)
    }

    @Test(arguments: [
        "", "app", "/app", "registry.example.com/", "registry.example.com/App", "registry.example.com/a//b", "h/a..b",
        "h/a___b",
        "h/-a", "h/a-", "h/a:", "h/a:-x", "h/a@", "h/a@sha256:00", "https://h/a", "h:0/a", "h:65536/a", "h:+80/a",
        "h_x/a",
        "-h/a", "h/a b", "h/a\u{0}", "h/ä", "[::1/a", "[::1]x/a", "h/a@md5:d41d8cd98f00b204e9800998ecf8427e", "h/*",
        "*",
    ])
    func `a malformed reference is refused`(_ text: String) {
        #expect(throws: OCIError.self) { try Reference(text) }
    }

    @Test func `a tag of 128 characters is the longest`() {
        #expect(Reference.isTag(String(repeating: "a", count: 128)))
        #expect(!Reference.isTag(String(repeating: "a", count: 129)))
    }

    @Test func `a repository of 255 characters is the longest`() {
        #expect(Reference.isRepository(String(repeating: "a", count: 255)))
        #expect(!Reference.isRepository(String(repeating: "a", count: 256)))
    }

    @Test(arguments: [
        "", "sha256:", "sha256", "md5:d41d8cd98f00b204e9800998ecf8427e", digest.uppercased(), String(digest.dropLast()),
        digest + "0", "sha512:" + digest.dropFirst(7), "SHA256:" + digest.dropFirst(7),
        "sha256:" + digest.dropFirst(7).uppercased(),
        "sha256: " + digest.dropFirst(8),
    ])
    func `a malformed digest is refused`(_ text: String) {
        #expect(throws: OCIError(.digest, "")) { try Digest(text) }
    }

    @Test func `the digest of content is named by its hash`() {
        #expect(Digest(of: Array("test".utf8)).description == Self.digest)
        #expect(Digest(of: Array("test".utf8)).referrersTag == Self.digest.replacingColon)
    }
}

extension String {
    fileprivate var replacingColon: String { String(map { $0 == ":" ? "-" : $0 }) }
}
