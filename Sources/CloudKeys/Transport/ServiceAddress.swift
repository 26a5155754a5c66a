/// Where a service is reached: https anywhere, plain http on this machine, and plain http at the link-local addresses
/// from which clouds hand tokens to their machines.
struct ServiceAddress: Sendable, Hashable {
    let isEncrypted: Bool
    /// As it stands in a URL, an IPv6 address in its brackets; in small letters.
    let host: String
    let port: Int?
    /// Empty, or begins with a slash and does not end with one.
    let path: String

    enum Trust: Sendable {
        /// https, or http on this machine.
        case service
        /// Also http at the addresses of metadata services.
        case metadata
    }

    static let metadataHosts: Set<String> = [
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "[fd00:ec2::254]",
    ]

    /// Reads an address that a variable or an answer holds; `source` names it in errors.
    init(_ text: String, _ trust: Trust = .service, source: String) throws(CloudKeyError) {
        let isEncrypted = text.hasPrefix("https://")
        guard isEncrypted || text.hasPrefix("http://") else {
            throw CloudKeyError(.address, "\(source) is not an address of the form https://HOST[:PORT]")
        }
        let rest = text.dropFirst(isEncrypted ? 8 : 7)
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path.removeLast() }
        guard path.utf8.allSatisfy(Self.isPathByte) else {
            throw CloudKeyError(.address, "the path of \(source) has characters that do not belong there")
        }
        try self.init(
            authority: String(authority), path: String(path), isEncrypted: isEncrypted, trust, source: source)
    }

    /// Takes a host with its port from a key's URI, which does not say how to speak to it: https, http on this machine.
    init(authority: String, source: String) throws(CloudKeyError) {
        let isLocal = Self.isLoopback(try Self.parts(authority, source).host)
        try self.init(authority: authority, path: "", isEncrypted: !isLocal, .service, source: source)
    }

    private init(
        authority: String, path: String, isEncrypted: Bool, _ trust: Trust, source: String
    ) throws(CloudKeyError) {
        let (host, port) = try Self.parts(authority, source)
        self.host = host
        self.port = port == (isEncrypted ? 443 : 80) ? nil : port
        self.path = path
        self.isEncrypted = isEncrypted
        let isMetadata = trust == .metadata && Self.metadataHosts.contains(host)
        guard isEncrypted || isMetadata || Self.isLoopback(host) else {
            throw CloudKeyError(
                .address, "\(source) would send secrets to \(host) over plain http", hint: "use https")
        }
    }

    var isLoopback: Bool { Self.isLoopback(host) }

    /// Host and port as a URL and the `Host` header write them.
    var authority: String { port.map { "\(host):\($0)" } ?? host }

    var text: String { "\(isEncrypted ? "https" : "http")://\(authority)\(path)" }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func parts(_ authority: String, _ source: String) throws(CloudKeyError) -> (host: String, port: Int?)
    {
        let isBracketed = authority.hasPrefix("[")
        let end = isBracketed ? authority.firstIndex(of: "]").map { authority.index(after: $0) } : nil
        let host = end.map { authority[..<$0] } ?? authority.prefix { $0 != ":" }
        let rest = authority.dropFirst(host.count)
        let allowed = isBracketed ? Self.isIPv6Byte : Self.isNameByte
        guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(allowed), !host.hasPrefix("."),
            !host.hasSuffix("."), !host.contains("..")
        else { throw CloudKeyError(.address, "\(source) does not name a host") }
        if rest.isEmpty { return (host.lowercased(), nil) }
        guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), port > 0 else {
            throw CloudKeyError(.address, "\(source) has no port from 1 to 65535 after its host")
        }
        return (host.lowercased(), Int(port))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) && byte >= 0x41 || (0x30...0x39).contains(byte) || byte == 0x2D
            || byte == 0x2E
    }

    private static func isIPv6Byte(_ byte: UInt8) -> Bool {
        (0x30...0x3A).contains(byte) || (0x61...0x66).contains(byte | 0x20) || byte == 0x5B || byte == 0x5D
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        // `:` and `@` stand in the names of accounts.
        isNameByte(byte) || [0x2F, 0x3A, 0x40, 0x5F, 0x7E].contains(byte)
    }
}
