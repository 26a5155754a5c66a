import Problems

/// Why the agent could not do what it was asked.
package struct AgentError: Problem {
    package enum Code: String, Sendable {
        /// The command line does not say what is needed.
        case usage
        /// The join string, or what stands in its place, cannot be used.
        case joinString = "join-string"
        /// This state directory belongs to a host that is enrolled already.
        case enrolled
        /// This state directory belongs to no enrolled host.
        case notEnrolled = "not-enrolled"
        /// The root that the server sent is not the pinned one.
        case wrongRoot = "wrong-root"
        /// The server refused the request.
        case refused
        /// The server does not know the fleet.
        case unknownFleet = "unknown-fleet"
        /// The server cannot be reached or does not answer in time.
        case unavailable
        /// The server's answer makes no sense.
        case answer
        /// Content that the fleet must publish is missing or cannot be used.
        case content
        /// The agent's own state is damaged.
        case state
        /// Another agent works in this state directory.
        case busy
        /// What enforces on this host could not be set up.
        case enforcer
        /// This host's trust is not what it should be.
        case unhealthy
    }

    package static let module = "agent"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
