/// The body of every error answer, `application/problem+json`. [RFC 9457]
package struct ProblemBody: Codable, Sendable, Equatable {
    /// The stable name of the kind, such as `store.own-proposal`.
    package let type: String
    package let title: String
    package let status: Int
    /// What was found.
    package let detail: String
    /// The way out.
    package let hint: String?
    package let requestID: String?

    package init(type: String, title: String, status: Int, detail: String, hint: String?, requestID: String?) {
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
        self.hint = hint
        self.requestID = requestID
    }
}
