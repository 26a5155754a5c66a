/// The keys of structured log entries; messages are constant, what varies stands under these.
package enum LogKey: String, CaseIterable, Sendable {
    case requestID = "request-id"
    case method
    case route
    case status
    case milliseconds
    case problem
    case reason
    case hint
    case fleet
    case release
    case change
    case host
    case service
    case address
    case attempt
    case version
    case role
    case expires
    case stage
    case webhook
}
