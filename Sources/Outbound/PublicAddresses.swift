/// Which addresses belong to the public internet; all others are nobody's business of a server that is told where to go.
enum PublicAddresses {
    /// What kind of address this is, unless it is a public one.
    static func refusal(of address: IPAddress) -> String? {
        if address.isVersion4 { return kind(of: address, in: version4) }
        if let inner = embedded(in: address) {
            return kind(of: inner, in: version4).map { "\($0) inside an IPv6 address" }
        }
        if let found = kind(of: address, in: version6) { return found }
        // Everything that was ever given out for the public lies in one block. [RFC 4291 §2.4]
        return global.contains { $0.contains(address) } ? nil : "not a public address"
    }

    /// The IPv4 address that an IPv6 address leads to: mapped, NAT64 and 6to4. [RFC 4291 §2.5.5.2, RFC 6052, RFC 3056]
    private static func embedded(in address: IPAddress) -> IPAddress? {
        if translated.contains(where: { $0.contains(address) }) { return IPAddress(bytes: address.bytes[12..<16]) }
        if sixToFour.contains(where: { $0.contains(address) }) { return IPAddress(bytes: address.bytes[2..<6]) }
        return nil
    }

    private static func kind(of address: IPAddress, in table: [(range: AddressRange, kind: String)]) -> String? {
        table.first { $0.range.contains(address) }?.kind
    }

    private static func ranges(_ texts: String...) -> [AddressRange] { texts.compactMap { AddressRange($0) } }

    private static func table(_ rows: KeyValuePairs<String, String>) -> [(range: AddressRange, kind: String)] {
        rows.compactMap { text, kind in AddressRange(text).map { ($0, kind) } }
    }

    private static let global = ranges("2000::/3")
    private static let translated = ranges("::ffff:0:0/96", "64:ff9b::/96")
    private static let sixToFour = ranges("2002::/16")

    /// [IANA IPv4 Special-Purpose Address Registry]
    private static let version4 = table([
        "0.0.0.0/8": "unspecified", "10.0.0.0/8": "private", "100.64.0.0/10": "shared by carriers",
        "127.0.0.0/8": "loopback", "169.254.0.0/16": "link-local", "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved", "192.0.2.0/24": "for documentation", "192.88.99.0/24": "reserved",
        "192.168.0.0/16": "private", "198.18.0.0/15": "for benchmarks", "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation", "224.0.0.0/4": "multicast", "240.0.0.0/4": "reserved",
    ])

    /// [IANA IPv6 Special-Purpose Address Registry]
    private static let version6 = table([
        "::/128": "unspecified", "::1/128": "loopback", "fe80::/10": "link-local", "fc00::/7": "private",
        "ff00::/8": "multicast", "2001::/23": "reserved", "2001:db8::/32": "for documentation",
        "3fff::/20": "for documentation", "64:ff9b:1::/48": "private",
    ])
}
