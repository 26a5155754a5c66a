/// What a registry asks for before it answers. [OCI distribution specification; RFC 6750 §3; RFC 7617 §2]
enum RegistryChallenge: Equatable {
    case basic
    case bearer(realm: String, service: String?, scope: String?)

    /// Reads one header `WWW-Authenticate`; nil for another scheme, or one without a realm.
    init?(_ header: String) {
        let head = header.prefix { $0 != " " }
        switch head.lowercased() {
        case "basic": self = .basic
        case "bearer":
            let parameters = Self.parameters(of: header.dropFirst(head.count))
            guard let realm = parameters["realm"] else { return nil }
            self = .bearer(realm: realm, service: parameters["service"], scope: parameters["scope"])
        default: return nil
        }
    }

    /// `name="value"`, separated by commas that may stand inside quotes too.
    private static func parameters(of text: Substring) -> [String: String] {
        var parameters: [String: String] = [:]
        var rest = text
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].trimmed.lowercased()
            rest = rest[rest.index(after: equals)...]
            let value: Substring
            if rest.first == "\"" {
                rest = rest.dropFirst()
                value = rest.prefix { $0 != "\"" }
                rest = rest.dropFirst(value.count + 1)
            } else {
                value = rest.prefix { $0 != "," }
                rest = rest.dropFirst(value.count)
            }
            parameters[name] = String(value)
        }
        return parameters
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        drop { $0 == " " || $0 == "," }
    }
}
