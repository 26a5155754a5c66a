import Outbound
import Testing

@Suite struct OutboundPolicyTests {
    private func refuses(_ url: String, _ policy: OutboundPolicy = OutboundPolicy()) throws -> Bool {
        let url = try OutboundURL(url)
        do throws(OutboundError) {
            try policy.check(url)
            return false
        } catch {
            return error.code == .refused && error.hint != nil
        }
    }

    @Test(arguments: [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1", "[::]", "[::1]", "[fe80::1]",
        "[fec0::1]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]",
        "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a00:1]", "[64:ff9b:1::1]",
        "[2002:7f00:1::]", "[2002:c0a8:101::1]", "[2001::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[100::1]",
    ])
    func `an address that is not public is refused`(host: String) throws {
        #expect(try refuses("https://\(host)/"))
    }

    @Test(arguments: [
        "9.9.9.9", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "[2606:4700::1111]",
        "[64:ff9b::909:909]", "[2002:909:909::1]", "[::ffff:9.9.9.9]",
    ])
    func `a public address passes`(host: String) throws {
        #expect(try !refuses("https://\(host)/"))
    }

    @Test func `plain http and other ports need an entry that names them`() throws {
        #expect(try refuses("http://example.com/"))
        #expect(try refuses("https://example.com:8443/"))
        let policy = OutboundPolicy(allowed: [try HostRule("http://plain.example"), try HostRule("example.com:8443")])
        #expect(try !refuses("http://plain.example/", policy))
        #expect(try refuses("http://plain.example:8080/", policy))
        #expect(try refuses("http://example.com:8443/", policy))
        #expect(try !refuses("https://example.com:8443/", policy))
        #expect(try refuses("https://sub.example.com:8443/", policy))
    }

    @Test func `a range opens addresses, not ports and not plain http`() throws {
        let policy = OutboundPolicy(allowed: [try HostRule("10.20.0.0/16"), try HostRule("fd00:1::/32")])
        #expect(try !refuses("https://10.20.3.4/", policy))
        #expect(try !refuses("https://[fd00:1::5]/", policy))
        #expect(try refuses("https://10.21.0.1/", policy))
        #expect(try refuses("https://[fd00:2::5]/", policy))
        #expect(try refuses("https://10.20.3.4:8443/", policy))
        #expect(try refuses("http://10.20.3.4/", policy))
        #expect(try refuses("https://[::ffff:10.20.3.4]/", policy))
    }

    @Test(arguments: [
        "", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/", "10.0/8", "fd00::/129", "https://a.example/path",
        "a.example:22", "user@a.example", "*.example", "ftp://a.example", "127.1",
    ])
    func `an entry that says nothing exact is refused`(text: String) {
        #expect(throws: OutboundError(.configuration, "")) { try HostRule(text) }
    }
}
