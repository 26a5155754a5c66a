/// A request that the server makes of its own.
package struct OutboundRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"

        var hasBody: Bool { self == .post || self == .put }
    }

    package var method: Method
    package var url: String
    /// Sent to the origin that was asked for, and to no other a redirect leads to.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Fewer bytes than the policy takes.
    package var maximumBytes: Int?
    /// Whether a redirect of GET and HEAD is followed; otherwise it is the answer.
    package var followsRedirects: Bool
    /// Less time than the policy gives.
    package var timeout: Duration?

    package init(
        _ method: Method = .get, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        maximumBytes: Int? = nil, followsRedirects: Bool = true, timeout: Duration? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.maximumBytes = maximumBytes
        self.followsRedirects = followsRedirects
        self.timeout = timeout
    }
}

/// What came back, whatever its status.
package struct OutboundResponse: Sendable {
    package let status: Int
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    /// Where the answer came from, after redirects.
    package let url: OutboundURL

    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
