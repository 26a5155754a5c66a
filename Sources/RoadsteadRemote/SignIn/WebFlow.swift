import Codecs
import Foundation
import RoadsteadWire
import SigningKeys

/// Signing in with a browser on this machine: the code comes back to a port on loopback. [RFC 8252, RFC 7636]
struct WebFlow {
    let client: ProviderClient

    static let waitSeconds: Int64 = 300

    /// - Parameter show: tells the person where to go, and may open it.
    /// - Returns: the ID token, and the nonce that it must carry.
    func run(_ show: (_ address: String) -> Void) async throws -> (token: String, nonce: String) {
        guard let endpoint = client.offer.authorizationEndpoint, let tokens = client.offer.tokenEndpoint else {
            throw RemoteError(.refused, "\(client.offer.issuer) has no sign-in by browser", hint: "roadstead login")
        }
        try ProviderClient.check(endpoint)
        let (state, nonce, verifier) = (Self.secret(), Self.secret(), Self.secret())
        let listener = try await RedirectListener.start(state: state)
        let redirect = listener.address
        let query = [
            ("response_type", "code"), ("client_id", client.offer.clientID), ("redirect_uri", redirect),
            ("scope", ProviderClient.scopes), ("state", state), ("nonce", nonce),
            ("code_challenge", Self.challenge(of: verifier)), ("code_challenge_method", "S256"),
        ].map { "\($0)=\(APIClient.percentEncoded($1))" }.joined(separator: "&")
        show(endpoint + (endpoint.contains("?") ? "&" : "?") + query)
        let code = try await listener.code(within: Self.waitSeconds)
        let (isSuccess, answer) = try await client.post(
            tokens,
            [
                ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
                ("code_verifier", verifier),
            ])
        guard isSuccess else { throw client.refusal(answer) }
        return (try client.identityToken(answer), nonce)
    }

    private static func secret() -> String { Base64.encode(SecureRandom.bytes(32), .url) }

    static func challenge(of verifier: String) -> String {
        Base64.encode(HashAlgorithm.sha256.digest(of: Array(verifier.utf8)), .url)
    }
}
