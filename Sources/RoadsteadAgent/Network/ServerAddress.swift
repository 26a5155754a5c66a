/// The server's address: where everything comes from and nothing is believed because of it.
package struct ServerAddress: Sendable, Equatable, CustomStringConvertible {
    /// Scheme, host, port and path, without a slash at the end.
    package let text: String

    /// Takes `https://…`, and `http://…` for this machine only: a join token must not travel in the open.
    package init(_ text: String) throws(AgentError) {
        var text = text
        while text.hasSuffix("/") { text.removeLast() }
        let lower = text.lowercased()
        let isPlain = lower.hasPrefix("http://")
        let rest = text.dropFirst(isPlain ? 7 : 8)
        let authority = rest.prefix { $0 != "/" }
        let isClean = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !text.contains(where: { "?#@\\".contains($0) })
        guard isPlain || lower.hasPrefix("https://"), !authority.isEmpty, isClean, text.utf8.count <= 2_000 else {
            throw AgentError(
                .usage, "\"\(text.prefix(200))\" is not the address of a server",
                hint: "write it like https://trust.example.com")
        }
        guard !isPlain || Self.isLoopback(authority) else {
            throw AgentError(
                .usage, "the server \(text.prefix(200)) would be spoken to in the open, and the join token with it",
                hint: "use https://; plain http:// is for 127.0.0.1 and localhost only")
        }
        self.text = text
    }

    package var description: String { text }

    private static func isLoopback(_ authority: Substring) -> Bool {
        if authority.hasPrefix("[::1]") { return authority == "[::1]" || authority.hasPrefix("[::1]:") }
        let host = authority.prefix { $0 != ":" }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "localhost"
            || (numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil })
    }
}
