import AsyncHTTPClient
import Codecs
import Foundation
import NIOCore
import NIOHTTP1
import RoadsteadWire

/// Speaks to the provider at which people sign in, as a public client without a secret. [RFC 8252 §8.4]
struct ProviderClient: Sendable {
    static let maximumAnswerBytes = 256 << 10
    static let deadlineSeconds: Int64 = 20

    let offer: ProviderOffer
    private let client: HTTPClient

    /// Asked for with every sign-in; a provider leaves out what it does not know.
    static let scopes = "openid profile email groups"

    /// Runs a body with a client, which is closed afterwards.
    static func with<Value>(
        _ offer: ProviderOffer, _ body: (ProviderClient) async throws -> Value
    ) async throws -> Value {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(deadlineSeconds))
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let value = try await body(ProviderClient(offer: offer, client: client))
            try? await client.shutdown()
            return value
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// Sends a form and reads the answer, be it a success or one of the protocol's errors. [RFC 6749 §5.2]
    func post(_ address: String, _ form: [(String, String)]) async throws -> (isSuccess: Bool, answer: JSONObject) {
        try Self.check(address)
        var request = HTTPClientRequest(url: address)
        request.method = .POST
        request.headers = [
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
            "User-Agent": "roadstead",
        ]
        let fields = form + [("client_id", offer.clientID)]
        let text = fields.map { "\($0)=\(APIClient.percentEncoded($1))" }.joined(separator: "&")
        request.body = .bytes(ByteBuffer(string: text))
        let (status, bytes) = try await send(request)
        guard
            let answer = try? JSON(parsing: bytes, limits: JSONLimits(bytes: Self.maximumAnswerBytes, depth: 16))
                .object("the answer"), (200..<300).contains(status) || answer["error"] != nil
        else { throw RemoteError(.answer, "\(offer.issuer) answered with status \(status) and no reason") }
        return ((200..<300).contains(status), answer)
    }

    private func send(_ request: HTTPClientRequest) async throws -> (Int, [UInt8]) {
        do {
            let response = try await client.execute(request, timeout: .seconds(Self.deadlineSeconds))
            return (
                Int(response.status.code), Array(buffer: try await response.body.collect(upTo: Self.maximumAnswerBytes))
            )
        } catch {
            throw RemoteError(
                .unreachable, "cannot reach the provider \(offer.issuer): \(error)",
                hint: "or sign in with --token-file or --client-certificate")
        }
    }

    /// Codes and tokens go by TLS, or nowhere but to this machine.
    static func check(_ address: String) throws {
        let loopback = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].contains { address.hasPrefix($0) }
        guard address.hasPrefix("https://") || loopback else {
            throw RemoteError(.answer, "the provider's address \(address.prefix(120)) is not one of https")
        }
    }

    /// What the provider says went wrong, for people.
    func refusal(_ answer: JSONObject) -> RemoteError {
        let code = answer["error"]?.stringOrNil ?? "no reason"
        let more = answer["error_description"]?.stringOrNil.map { ": \($0.prefix(200))" } ?? ""
        let text = (code.prefix(60) + more).filter { !$0.isNewline && $0.asciiValue.map { $0 >= 32 } ?? true }
        switch code {
        case "access_denied": return RemoteError(.refused, "the provider was told to refuse this sign-in")
        case "expired_token":
            return RemoteError(.refused, "nobody entered the code in time", hint: "start again: roadstead login")
        default: return RemoteError(.refused, "the provider refuses: \(text)")
        }
    }

    /// The ID token of a token answer. The server verifies it; here it is only handed on.
    func identityToken(_ answer: JSONObject) throws -> String {
        guard let token = answer["id_token"]?.stringOrNil else {
            throw RemoteError(
                .answer, "\(offer.issuer) gave no ID token", hint: "allow the scope openid for client \(offer.clientID)"
            )
        }
        return token
    }
}
