import Outbound

/// Where the server may go of its own accord.
struct OutboundSettings: Sendable {
    let allowed: [HostRule]
    let authority: String?

    init(_ reader: inout SettingReader) {
        var rules: [HostRule] = []
        for entry in reader.list(.outboundAllow) {
            do throws(OutboundError) {
                rules.append(try HostRule(entry))
            } catch {
                reader.refuse(.outboundAllow, error.reason, error.hint ?? "host:port or address/bits")
            }
        }
        allowed = rules
        authority = reader.text(.outboundAuthority)
    }

    /// What makes every request that the server sends.
    func client() throws -> OutboundClient {
        try OutboundClient(
            policy: OutboundPolicy(allowed: allowed), caFile: authority,
            userAgent: "roadstead-server/\(ServerProgram.version)")
    }

    var summary: [(ConfigurationKey, String)] {
        [
            (.outboundAllow, allowed.isEmpty ? "(none)" : allowed.map(\.description).joined(separator: ",")),
            (.outboundAuthority, authority ?? "(system)"),
        ]
    }
}
