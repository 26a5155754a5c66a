import AsyncHTTPClient
import MetadataTransport
import Problems

/// A repository over HTTP. What it yields is untrusted until it is verified.
actor RepositoryServer {
    /// Statuses that say "there is no such file". Anything else that is no success is a failure. [TUF §5.3.3]
    static let absent = [403, 404, 410]

    private let http: BoundedHTTP
    private let metadataURL: BaseURL
    private var budget: RunBudget

    init(_ http: BoundedHTTP, metadataURL: BaseURL, budget: RunBudget) {
        self.http = http
        self.metadataURL = metadataURL
        self.budget = budget
    }

    /// A metadata file by its encoded name; nil when the repository says that there is none.
    func metadata(_ path: String, limit: Int) async throws -> [UInt8]? {
        guard let bytes = try await get(metadataURL.text + path, limit: limit) else { return nil }
        try budget.took(bytes.count)
        return bytes
    }

    /// A target file by its encoded path; nil when the repository says that there is none.
    func target(_ path: String, below base: BaseURL, limit: Int) async throws -> [UInt8]? {
        try await get(base.text + path, limit: limit)
    }

    private func get(_ url: String, limit: Int) async throws -> [UInt8]? {
        let seconds = try budget.nextRequest()
        let answer: HTTPAnswer
        do {
            answer = try await http.exchange(HTTPClientRequest(url: url), limit: limit, seconds: seconds)
        } catch let error as TransportError {
            throw ClientError(.unavailable, "\(url): \(error.reason)")
        }
        if answer.status == 200 { return answer.body }
        if Self.absent.contains(answer.status) { return nil }
        throw ClientError(.unavailable, "\(url): the server answered \(answer.status)")
    }
}
