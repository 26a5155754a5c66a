import TUF
import Testing

@Suite struct NameTests {
    @Test(arguments: [
        ("?", "%3F"), ("#", "%23"), ("/delegatedrole", "%2Fdelegatedrole"), ("../x", "..%2Fx"), ("a b", "a%20b"),
        ("caf\u{e9}", "caf%C3%A9"), ("registry.npmjs.org", "registry.npmjs.org"), ("%2F", "%252F"), ("~_-.", "~_-."),
    ])
    func `a role name reaches URLs and file names with everything unusual encoded`(name: String, stem: String) throws {
        #expect(try RoleName(name).fileStem == stem)
        #expect(MetadataFile(.delegated(try RoleName(name)), version: 3).path == "3.\(stem).json")
    }

    @Test(arguments: ["", "root", "timestamp", "snapshot", "targets", String(repeating: "a", count: 201)])
    func `a delegated role cannot have an empty, reserved or endless name`(name: String) {
        #expect(throws: TUFError.self) { try RoleName(name) }
    }

    @Test(arguments: ["A", "-a", ".a", "a/b", "a b", "mirrors", "caf\u{e9}", String(repeating: "a", count: 64)])
    func `our own role names are slugs`(name: String) {
        #expect(throws: TUFError.self) { try RoleName(slug: name) }
    }

    @Test func `names in two Unicode forms are two names`() throws {
        #expect(try RoleName("caf\u{e9}") != RoleName("cafe\u{301}"))
        #expect(try TargetName("caf\u{e9}") != TargetName("cafe\u{301}"))
    }

    @Test(arguments: [
        "", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "a\u{0}b", "a\nb", "a/..",
        String(repeating: "a", count: 127), String(repeating: "a/", count: 600) + "a",
    ])
    func `a target name that could leave its directory is refused`(name: String) {
        #expect(throws: TUFError.self) { try TargetName(name) }
    }

    @Test func `a target's path has the hash before its last component`() throws {
        #expect(try TargetName("team/a b.pem").path(hashPrefix: "ab12") == "team/ab12.a%20b.pem")
        #expect(try TargetName("file").path(hashPrefix: "ab12") == "ab12.file")
        #expect(try TargetName("team/..x").path() == "team/..x")
    }

    @Test(arguments: [
        ("team/*", "team/file", true), ("team/*", "team/a/b", false), ("*", "a/b", false), ("*", "a", true),
        ("targets/*.tgz", "targets/foo.tgz", true), ("targets/*.tgz", "targets/foo.txt", false),
        ("foo-version-?.tgz", "foo-version-2.tgz", true), ("foo-version-?.tgz", "foo-version-alpha.tgz", false),
        ("*.tgz", "targets/foo.tgz", false), ("README.md", "README.MD", false), ("releases/*/*", "releases/x/y", true),
        ("**", "a/b", false), ("{a,b}", "a", false), ("[ab]c", "ac", true), ("[!ab]c", "ac", false),
        ("[a-c]", "b", true), ("[a-c", "b", false), ("[]]", "]", true), ("a*b*c", "aXbXbc", true),
        ("a?b", "a/b", false),
        ("a*", "a", true), ("", "a", false),
    ])
    func `a pattern matches whole components as a shell does`(pattern: String, name: String, matches: Bool) throws {
        #expect(PathPattern(pattern).matches(try TargetName(name)) == matches)
    }

    @Test func `a pattern made to run for ever does not`() throws {
        let pattern = PathPattern(String(repeating: "a*", count: 5_000) + "b")
        #expect(try !pattern.matches(TargetName(String(repeating: "a", count: 126))))
    }
}
