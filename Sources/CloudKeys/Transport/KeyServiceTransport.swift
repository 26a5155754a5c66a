/// Sends what the backends of key services have to say, and takes the answers: over the network of a program's choice.
///
/// An implementation follows no redirect, takes no more of a body than the request allows, and gives up in time. It
/// throws `CloudKeyError` with the code `unreachable`, `deadline`, `answer` or `address`; any other error that prints
/// without secrets counts as `unreachable`.
package protocol KeyServiceTransport: Sendable {
    func send(_ request: KeyServiceRequest) async throws -> KeyServiceResponse
}

/// A request to a key service, or to whoever gives out the tokens for one. Its headers and body may hold secrets.
package struct KeyServiceRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
    }

    package var method: Method
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Bytes of the answer's body that are taken.
    package var maximumBytes: Int
    /// For the whole exchange, the body included.
    package var timeout: Duration

    package static let maximumBytes = 65_536
    package static let timeout = Duration.seconds(10)

    package init(
        _ method: Method, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        maximumBytes: Int = KeyServiceRequest.maximumBytes, timeout: Duration = KeyServiceRequest.timeout
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.maximumBytes = maximumBytes
        self.timeout = timeout
    }
}

/// What came back, whatever its status.
package struct KeyServiceResponse: Sendable {
    package let status: Int
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header of a name, whose case does not matter.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
