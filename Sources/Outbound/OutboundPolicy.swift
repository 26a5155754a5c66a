/// One entry of the operator's list `outbound.allow`: what may be reached beside public hosts by https on port 443.
package enum HostRule: Hashable, Sendable, CustomStringConvertible {
    /// This host on this port, wherever its name leads.
    case host(scheme: OutboundURL.Scheme, name: String, port: Int)
    /// Hosts whose addresses lie here.
    case range(AddressRange)

    /// Reads `host`, `host:port`, `http://host:port` or `address/bits`.
    package init(_ text: String) throws(OutboundError) {
        let shown = String(text.prefix(120))
        if !text.contains("://"), text.contains("/") {
            guard let range = AddressRange(text) else {
                throw OutboundError(
                    .configuration, "\"\(shown)\" is no range of addresses", hint: "such as 10.20.0.0/16")
            }
            self = .range(range)
            return
        }
        let url: OutboundURL
        do { url = try OutboundURL(text.contains("://") ? text : "https://\(text)") } catch {
            throw OutboundError(
                .configuration, "\"\(shown)\" is no host: \(error.reason)",
                hint: "host, host:port, http://host:port or address/bits")
        }
        guard url.target == "/" else { throw OutboundError(.configuration, "\"\(shown)\" is more than a host") }
        self = .host(scheme: url.scheme, name: url.host, port: url.port)
    }

    package var description: String {
        switch self {
        case .host(let scheme, let name, let port): "\(scheme == .http ? "http://" : "")\(name):\(port)"
        case .range(let range): range.description
        }
    }
}

/// Where the server's own requests may go, and how much they may take. The operator decides it, never a caller.
package struct OutboundPolicy: Sendable {
    package let allowed: [HostRule]
    /// Bytes of an answer's body; a request may ask for fewer.
    package let maximumBytes: Int
    /// For a whole exchange: looking up the name, redirects and the body included.
    package let timeout: Duration
    /// For reaching one address; TLS counts to the whole.
    package let connectTimeout: Duration

    package init(
        allowed: [HostRule] = [], maximumBytes: Int = 1 << 20, timeout: Duration = .seconds(30),
        connectTimeout: Duration = .seconds(10)
    ) {
        self.allowed = allowed
        self.maximumBytes = maximumBytes
        self.timeout = timeout
        self.connectTimeout = connectTimeout
    }

    /// Refuses an address by what it says, before any name is looked up.
    package func check(_ url: OutboundURL) throws(OutboundError) {
        guard !names(url) else { return }
        let entry = "\(url.scheme == .http ? "http://" : "")\(url.authority)"
        guard url.scheme == .https else {
            throw OutboundError(
                .refused, "\(url.origin) would be spoken to in the clear",
                hint: "use https; the operator can list \(entry) in outbound.allow")
        }
        guard url.port == 443 else {
            throw OutboundError(
                .refused, "\(url.origin) is not on port 443", hint: "the operator can list \(entry) in outbound.allow")
        }
        if let address = url.literal { try check([address], of: url) }
    }

    /// Refuses a host when any of its addresses is not one to go to: a name that leads to two places leads to the worse.
    func check(_ addresses: [IPAddress], of url: OutboundURL) throws(OutboundError) {
        guard !addresses.isEmpty else { throw OutboundError(.unresolved, "\(url.host) has no address") }
        guard !names(url) else { return }
        for address in addresses where !isInRange(address) {
            guard let kind = PublicAddresses.refusal(of: address) else { continue }
            throw OutboundError(
                .refused, "\(url.host) leads to \(address), which is \(kind)",
                hint: "the operator can list \(url.host):\(url.port) or its range in outbound.allow")
        }
    }

    private func names(_ url: OutboundURL) -> Bool {
        allowed.contains(.host(scheme: url.scheme, name: url.host, port: url.port))
    }

    private func isInRange(_ address: IPAddress) -> Bool {
        allowed.contains { rule in
            guard case .range(let range) = rule else { return false }
            return range.contains(address)
        }
    }
}
