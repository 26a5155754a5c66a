import Files
import TUF

/// How the program ends: 0 done, 1 what was received or is in force is not to be trusted, 2 usage, 3 environment.
package enum ExitStatus: Int32, Sendable {
    case success = 0
    case rejected = 1
    case usage = 2
    case environment = 3

    /// The status that says what kind of failure an error is.
    package init(_ error: any Error) {
        switch error {
        case let error as AgentError: self.init(error.code)
        case let error as TUFError:
            self = error.code == .unavailable || error.code == .notFound ? .environment : .rejected
        case is FileError: self = .environment
        default: self = .rejected
        }
    }

    private init(_ code: AgentError.Code) {
        switch code {
        case .usage, .joinString, .enrolled, .notEnrolled: self = .usage
        case .wrongRoot, .content, .unhealthy: self = .rejected
        case .refused, .unknownFleet, .unavailable, .answer, .state, .busy, .enforcer: self = .environment
        }
    }
}
