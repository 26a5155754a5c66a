package import SigningKeys

/// What a program can get at beyond the files of this machine.
///
/// The small program reaches files only, so that it stays small and starts fast. A command line that needs more makes it
/// become `roadstead-remote`, which runs the same commands with everything.
package struct Reach: Sendable {
    /// Backends for keys that lie in no file, for one command line.
    package let keys: @Sendable (KeyRequest) throws -> [KeyScheme: any KeyBackend]
    /// Images in registries; nil where only layouts are reached.
    package let images: (any ImageReach)?
    /// Services that are asked over HTTP, such as timestamp authorities.
    package let http: (any HTTPReach)?
    /// Whether there is no other program that reaches more.
    package let isFull: Bool

    /// This machine's files, and nothing else.
    package static let files = Reach(isFull: false)

    private init(isFull: Bool) {
        keys = { _ in [:] }
        images = nil
        http = nil
        self.isFull = isFull
    }

    /// Everything.
    package init(
        keys: @escaping @Sendable (KeyRequest) throws -> [KeyScheme: any KeyBackend], images: (any ImageReach)? = nil,
        http: (any HTTPReach)? = nil
    ) {
        self.keys = keys
        self.images = images
        self.http = http
        isFull = true
    }

    /// Every key that a command line can use, behind the policy: the one way from a command to a key.
    package func backends(_ request: KeyRequest) throws -> KeyBackends {
        let policy = try SigningPolicyFile.policy(for: request)
        var backends = try keys(request)
        backends[.file] = FileKeys(request, policy)
        backends[.pkcs12] = PKCS12Keys(request)
        return KeyBackends(backends, policy: policy)
    }

    /// A new key that the policy allows and its PEM, for a file that is made together with others.
    func newFileKey(_ type: KeyType, _ path: String, _ request: KeyRequest) async throws -> (
        signer: PrivateKey, pem: String
    ) {
        let policy = try backends(request).policy
        try policy.check(.file)
        try policy.check(type)
        let key = try PrivateKey.generate(type)
        return (key, try FileKeys(request, policy).pem(of: key, path))
    }
}

/// One request and its answer, with limits; redirects are not followed.
package protocol HTTPReach: Sendable {
    func send(_ request: HTTPRequest) async throws -> HTTPResponse
}

package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable { case get = "GET", post = "POST" }

    package let method: Method
    package let url: String
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    /// A longer answer is refused.
    package let maximumBytes: Int
    /// How long the whole exchange may take.
    package let deadline: Duration

    package init(
        _ method: Method, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        maximumBytes: Int, deadline: Duration
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.maximumBytes = maximumBytes
        self.deadline = deadline
    }
}

package struct HTTPResponse: Sendable {
    package let status: Int
    /// As they came; names in lower case.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
