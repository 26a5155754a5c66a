import Problems

/// Why a key in an agent could not be used.
package struct AgentError: Problem {
    package enum Code: String, Sendable {
        /// There is no agent, or it went away.
        case unreachable
        /// The agent did not answer in time, as when nobody confirms.
        case deadline
        /// What the agent said is not what an agent says.
        case wire
        /// The agent refused to sign: locked, or somebody did not confirm.
        case denied
        /// No key of the agent, or more than one, is meant.
        case key
        /// The agent's key is none that can sign here.
        case unsupported
    }

    package static let module = "agent-keys"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
