/// Where a registry is spoken to: over TLS, or in plain text where that was asked for and never leaves the machine.
struct RegistryAddress: Sendable, Hashable {
    /// Whether plain HTTP may be used at all; only to loopback even then.
    enum Plain: Sendable { case refused, loopback }

    let scheme: String
    /// With the port where one is named.
    let host: String

    /// What images are named by that a registry of another name serves.
    static let dockerHub = "docker.io"

    /// - Throws: `RegistryError(.address)` for plain HTTP to another machine.
    init(registry: String, plain: Plain) throws(RegistryError) {
        host = registry == Self.dockerHub ? "registry-1.docker.io" : registry
        switch plain {
        case .refused: scheme = "https"
        case .loopback:
            guard Self.isLoopback(registry) else {
                throw RegistryError(
                    .address, "\(registry.prefix(80)) is not this machine, and plain HTTP goes nowhere else",
                    hint: "leave --insecure-registry (or --plain-http) out")
            }
            scheme = "http"
        }
    }

    /// An absolute address that an answer names.
    static func check(_ url: String, plain: Plain, what: String) throws(RegistryError) {
        let authority = hostPart(of: url)
        guard !authority.isEmpty, !authority.utf8.contains(where: { [0x40, 0x5C].contains($0) || $0 <= 0x20 }) else {
            throw RegistryError(.address, "\(what) \(url.prefix(200)) names its host in a way that is not taken")
        }
        if url.hasPrefix("https://") { return }
        if plain == .loopback, url.hasPrefix("http://"), isLoopback(authority) { return }
        throw RegistryError(.address, "\(what) \(url.prefix(200)) is not an https address")
    }

    /// Host and port of an absolute address.
    static func hostPart(of url: String) -> String {
        guard let start = url.firstRange(of: "://") else { return "" }
        let rest = url[start.upperBound...]
        return String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    }

    /// Names and addresses of this machine alone; a port may follow, and nothing else.
    static func isLoopback(_ host: String) -> Bool {
        let isBracketed = host.hasPrefix("[")
        let name = isBracketed ? host.dropFirst().prefix { $0 != "]" } : host.prefix { $0 != ":" }
        let rest = host[name.endIndex...].dropFirst(isBracketed ? 1 : 0)
        guard rest.isEmpty || (rest.first == ":" && UInt16(rest.dropFirst()) != nil) else { return false }
        if name == (isBracketed ? "::1" : "localhost") { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    func url(_ path: String) -> String { "\(scheme)://\(host)\(path)" }

    /// Whether an absolute address has this scheme, host and port, a port that goes without saying aside.
    func isOrigin(of url: String) -> Bool {
        guard let start = url.firstRange(of: "://"), url[..<start.lowerBound] == scheme else { return false }
        return Self.withPort(Self.hostPart(of: url).lowercased(), scheme) == Self.withPort(host.lowercased(), scheme)
    }

    private static func withPort(_ host: String, _ scheme: String) -> String {
        let tail = host.lastIndex(of: "]").map { host[$0...] } ?? host[...]
        return tail.contains(":") ? host : "\(host):\(scheme == "https" ? 443 : 80)"
    }
}
