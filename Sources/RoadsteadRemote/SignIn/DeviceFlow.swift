import Codecs
import Foundation
import RoadsteadWire

/// Signing in where there is no browser: a code is shown, and entered on another device. [RFC 8628]
struct DeviceFlow {
    let client: ProviderClient

    private static let grant = "urn:ietf:params:oauth:grant-type:device_code"
    /// Longer than any provider lets a code live.
    static let longestSeconds: Int64 = 1_800
    static let longestPause: Int64 = 60

    private struct Request {
        let deviceCode: String
        let userCode: String
        let address: String
        let seconds: Int64
        var pause: Int64
    }

    /// - Parameter show: tells the person where to go, and which code to enter.
    /// - Returns: the ID token.
    func run(_ show: (_ address: String, _ code: String) -> Void) async throws -> String {
        guard let endpoint = client.offer.deviceAuthorizationEndpoint, let tokens = client.offer.tokenEndpoint else {
            throw RemoteError(
                .refused, "\(client.offer.issuer) has no sign-in by device", hint: "roadstead login --web")
        }
        var request = try await begin(endpoint)
        show(request.address, request.userCode)
        let end = ContinuousClock.now + .seconds(request.seconds)
        while ContinuousClock.now < end {
            try await Task.sleep(for: .seconds(request.pause))
            let form = [("grant_type", Self.grant), ("device_code", request.deviceCode)]
            let (isSuccess, answer) = try await client.post(tokens, form)
            if isSuccess { return try client.identityToken(answer) }
            switch answer["error"]?.stringOrNil {
            case "authorization_pending": continue
            case "slow_down": request.pause = min(request.pause + 5, Self.longestPause)
            default: throw client.refusal(answer)
            }
        }
        throw client.refusal(JSONObject([("error", "expired_token")]))
    }

    private func begin(_ endpoint: String) async throws -> Request {
        let (isSuccess, answer) = try await client.post(endpoint, [("scope", ProviderClient.scopes)])
        guard isSuccess else { throw client.refusal(answer) }
        let place = "the provider's answer"
        let address = try answer.string("verification_uri", in: place)
        try ProviderClient.check(address)
        let code = try answer.string("user_code", in: place)
        guard (address + code).unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value < 0x7F }) else {
            throw RemoteError(.answer, "the provider's code or address has characters that are not shown")
        }
        let (seconds, pause) = (answer["expires_in"]?.integerOrNil ?? 600, answer["interval"]?.integerOrNil ?? 5)
        return Request(
            deviceCode: try answer.string("device_code", in: place), userCode: code, address: address,
            seconds: min(max(1, seconds), Self.longestSeconds), pause: min(max(1, pause), Self.longestPause))
    }
}
