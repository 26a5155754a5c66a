import Outbound
import Testing

@Suite struct OutboundURLTests {
    @Test func `a URL is read into scheme, host, port and target`() throws {
        let url = try OutboundURL("HTTPS://Login.Example.COM:8443/a/b?c=d%20e")
        #expect(url.scheme == .https && url.host == "login.example.com" && url.port == 8_443)
        #expect(url.target == "/a/b?c=d%20e")
        #expect(try OutboundURL("https://example.com").description == "https://example.com/")
        #expect(try OutboundURL("https://example.com?x").target == "/?x")
        #expect(try OutboundURL("https://[2001:DB8::1]/").host == "2001:db8::1")
    }

    @Test(arguments: [
        "https://user@example.com/", "https://user:secret@example.com/", "https://good.example@127.0.0.1/",
        "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/", "example.com",
        "https:///x", "https://", "https://exämple.com/", "https://example.com/a b", "https://example.com/\r\nX: y",
        "https://example.com/#part", "https://example.com\\@evil.example/", "https://a..b/", "https://example.com./",
        "https://-a.example/", "https://[::1/", "https://[127.0.0.1]/", "https://[fe80::1%25eth0]/",
        "https://[::1]x/", "https://::1/", "https://example.com:/", "https://example.com:0443/",
        "https://example.com:65536/", "https://example.com:+443/", "https://example.com:443:443/",
        "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/",
        "https://127.0.0.01/", "https://127.0.0.1.5/", "https://1.2.3/", "https://example.0x7f/", "https://١٢٧.0.0.1/",
        "https://example.com/{x}", "https://example.com/\"", "https://example.com/\u{0}",
    ])
    func `another spelling is refused`(text: String) {
        #expect(throws: OutboundError(.url, "")) { try OutboundURL(text) }
    }

    @Test(arguments: [22, 25, 21, 53, 110, 143, 465, 587, 993, 1])
    func `a port below 1024 that is not of HTTP is refused`(port: Int) {
        #expect(throws: OutboundError(.refused, "")) { try OutboundURL("https://example.com:\(port)/") }
    }

    @Test func `a URL has an end`() throws {
        _ = try OutboundURL("https://example.com/" + String(repeating: "a", count: 2_028))
        #expect(throws: OutboundError(.url, "")) {
            try OutboundURL("https://example.com/" + String(repeating: "a", count: 2_029))
        }
    }
}
