import Codecs
import Envelopes
import Problems

/// What the plugin tells notation when it does not sign.
struct PluginError: Problem {
    enum Code: String, Sendable {
        case validation = "VALIDATION_ERROR"
        case contractVersion = "UNSUPPORTED_CONTRACT_VERSION"
        case accessDenied = "ACCESS_DENIED"
        case timeout = "TIMEOUT"
        case throttled = "THROTTLED"
        case generic = "ERROR"
    }

    static let module = "plugin"
    let code: Code
    let reason: String
    let hint: String?

    init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }

    init(_ error: any Error) {
        switch error {
        case let error as PluginError: self = error
        case let problem as any Problem:
            self.init(Self.code(problem), problem.reason, hint: problem.hint)
        default: self.init(.generic, "\(error)")
        }
    }

    /// By the last word of a problem's identifier, which is stable.
    private static func code(_ problem: any Problem) -> Code {
        if problem is CodecError { return .validation }
        switch problem.identifier.split(separator: ".").last.map(String.init) {
        case "name", "uri", "usage", "scheme": return .validation
        case "refused", "passphrase-missing", "passphrase-wrong", "pin-missing", "pin-wrong", "pin-locked", "pin-tries",
            "denied",
            "permission", "exposed":
            return .accessDenied
        case "deadline", "timeout": return .timeout
        case "throttled": return .throttled
        default: return .generic
        }
    }

    var json: JSON {
        .object(
            JSONObject([
                ("errorCode", .string(code.rawValue)), ("errorMessage", .string(description)),
                ("errorMetadata", .object(JSONObject())),
            ]))
    }
}
