/// The version that the agent reports.
package enum AgentVersion {
    package static let text = "0.1.0"
}
