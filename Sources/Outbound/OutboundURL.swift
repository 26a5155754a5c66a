/// An address that requests may go to, read strictly: no user, no fragment, no other spelling of an address.
package struct OutboundURL: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http, https

        var port: Int { self == .http ? 80 : 443 }
    }

    package let scheme: Scheme
    /// In small letters; an IPv6 address without its brackets.
    package let host: String
    package let port: Int
    /// Path and query as they are sent; begins with a slash.
    package let target: String

    package static let longest = 2_048

    package init(_ text: String) throws(OutboundError) {
        guard text.utf8.count <= Self.longest, text.utf8.allSatisfy(Self.isPlain) else {
            throw OutboundError(.url, "a URL has at most \(Self.longest) visible ASCII characters")
        }
        let shown = String(text.prefix(120))
        guard let mark = text.firstRange(of: "://"),
            let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased())
        else { throw OutboundError(.url, "\"\(shown)\" does not begin with https://") }
        let rest = text[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let tail = rest[authority.endIndex...]
        guard !authority.contains("@") else { throw OutboundError(.url, "a URL names a user") }
        self.scheme = scheme
        let (host, port) = try Self.split(authority, shown)
        self.host = host
        self.port = try port.map { text throws(OutboundError) in try Self.readPort(text, shown) } ?? scheme.port
        target = tail.hasPrefix("/") ? String(tail) : "/" + tail
    }

    package var description: String { origin + target }

    /// Scheme, host and port: what credentials belong to.
    package var origin: String { "\(scheme.rawValue)://\(authority)" }

    /// As the `Host` header names it.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == scheme.port ? name : "\(name):\(port)"
    }

    /// The address when the host is one.
    var literal: IPAddress? { IPAddress(host) }

    /// Where a `Location` header leads from here. [RFC 9110 §10.2.2]
    func following(_ location: String) throws(OutboundError) -> OutboundURL {
        let place = location.prefix { $0 != "#" }
        if place.prefix(while: { $0 != "/" && $0 != "?" }).contains(":") { return try OutboundURL(String(place)) }
        if place.hasPrefix("//") { return try OutboundURL("\(scheme.rawValue):\(place)") }
        if place.hasPrefix("/") { return try OutboundURL(origin + place) }
        let path = target.prefix { $0 != "?" }
        if place.hasPrefix("?") { return try OutboundURL(origin + path + place) }
        guard !place.isEmpty else { throw OutboundError(.redirect, "a redirect leads nowhere") }
        return try OutboundURL(origin + path[...(path.lastIndex(of: "/") ?? path.startIndex)] + place)
    }

    // MARK: parts

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && !#"\"<>^`{|}#"#.utf8.contains(byte)
    }

    private static func split(
        _ authority: Substring, _ shown: String
    ) throws(OutboundError) -> (host: String, port: Substring?) {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]"), let address = IPAddress(authority[..<end].dropFirst()),
                !address.isVersion4
            else { throw OutboundError(.url, "\"\(shown)\" holds no IPv6 address in its brackets") }
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw OutboundError(.url, "\"\(shown)\" is no URL") }
            return (address.description, rest.isEmpty ? nil : rest.dropFirst())
        }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = hostName(parts[0]) else {
            throw OutboundError(
                .url, "\"\(shown)\" names no host",
                hint: "a name of letters, digits and hyphens, or an address in its plain spelling")
        }
        return (name, parts.count == 2 ? parts[1] : nil)
    }

    /// A host in small letters. What ends in a number is an address, and then only in its plain spelling: `127.1`,
    /// `0x7f000001`, `2130706433` and `0177.0.0.1` are addresses to a resolver and names to a reader.
    static func hostName(_ text: some StringProtocol) -> String? {
        let name = text.lowercased()
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...253).contains(name.utf8.count), let last = labels.last else { return nil }
        for label in labels {
            guard (1...63).contains(label.utf8.count), !label.hasPrefix("-"), !label.hasSuffix("-"),
                label.utf8.allSatisfy({ isLabelByte($0) })
            else { return nil }
        }
        let isNumber = last.utf8.allSatisfy { (0x30...0x39).contains($0) } || last.hasPrefix("0x")
        return isNumber && IPAddress(name) == nil ? nil : name
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x5f
    }

    /// Below 1024 only the ports of HTTP: no mail server, no shell takes a request for its own protocol.
    static func readPort(_ text: some StringProtocol, _ shown: String) throws(OutboundError) -> Int {
        guard let port = Int(text), String(port) == text, (1...65_535).contains(port) else {
            throw OutboundError(.url, "\"\(shown)\" names no port")
        }
        guard port == 80 || port == 443 || port >= 1_024 else {
            throw OutboundError(.refused, "\"\(shown)\" names port \(port)", hint: "80, 443, or 1024 and above")
        }
        return port
    }
}
