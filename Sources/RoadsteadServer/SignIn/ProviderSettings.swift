import RoadsteadStore
import TrustModel

/// How people and machines sign in elsewhere, as configured.
struct ProviderSettings: Sendable {
    /// The issuer of people; nil where people sign in by tokens of this server alone.
    var issuer: String?
    /// As which this server's command line is registered there.
    var clientID = ""
    /// What the tokens that are sent as bearers must be for.
    var audience = ""
    var groupsClaim = "groups"
    var signUp = SignUp.open
    /// Issuers whose tokens speak for linked machines only.
    var machineIssuers: [String] = []

    static let mostMachineIssuers = 10

    init() {}

    init(_ reader: inout SettingReader) {
        issuer = Self.issuer(reader.text(.oidcIssuer), .oidcIssuer, &reader)
        clientID = reader.text(.oidcClientID) ?? ""
        audience = reader.text(.oidcAudience) ?? clientID
        groupsClaim = reader.text(.oidcGroupsClaim) ?? "groups"
        signUp = reader.oneOf(.oidcSignUp, ["open", "closed"]) == "closed" ? .closed : .open
        machineIssuers = reader.list(.oidcMachineIssuers).compactMap {
            Self.issuer($0, .oidcMachineIssuers, &reader)
        }
        check(&reader)
    }

    private func check(_ reader: inout SettingReader) {
        if issuer != nil, clientID.isEmpty {
            reader.refuse(.oidcClientID, "is not set, and oidc.issuer is", "the client's name at the provider")
        }
        if !machineIssuers.isEmpty, audience.isEmpty {
            reader.refuse(.oidcAudience, "is not set, and oidc.machine-issuers is", "what machines' tokens are for")
        }
        if machineIssuers.count > Self.mostMachineIssuers || machineIssuers.contains(where: { $0 == issuer }) {
            reader.refuse(
                .oidcMachineIssuers, "names too many issuers, or that of the people",
                "at most \(Self.mostMachineIssuers), none of them oidc.issuer")
        }
    }

    private static func issuer(
        _ text: String?, _ key: ConfigurationKey, _ reader: inout SettingReader
    ) -> String? {
        guard let text else { return nil }
        do { return try IssuerURL(text).text } catch {
            reader.refuse(key, error.reason, "such as https://login.example.com")
            return nil
        }
    }

    var issuers: [String] { [issuer].compactMap(\.self) + machineIssuers }

    var summary: [(ConfigurationKey, String)] {
        [
            (.oidcIssuer, issuer ?? "(none)"), (.oidcClientID, clientID.isEmpty ? "(none)" : clientID),
            (.oidcAudience, audience.isEmpty ? "(none)" : audience), (.oidcGroupsClaim, groupsClaim),
            (.oidcSignUp, signUp == .open ? "open" : "closed"),
            (.oidcMachineIssuers, machineIssuers.isEmpty ? "(none)" : machineIssuers.joined(separator: ",")),
        ]
    }
}
