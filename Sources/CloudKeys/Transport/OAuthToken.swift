import Codecs

/// Answers of those who give out bearer tokens. [RFC 6749 §5]
enum OAuthToken {
    static func held(_ response: KeyServiceResponse, _ place: String, from start: UTCDate) throws -> Lease<String>.Held
    {
        let answer = try response.object(place)
        return try KeyServiceResponse.reading(place) {
            let token = try answer.string("access_token", in: "the answer")
            // Azure's metadata service writes the number as text.
            let lifetime = try answer.require("expires_in", in: "the answer")
            guard let seconds = lifetime.integerOrNil ?? lifetime.stringOrNil.flatMap(Int64.init), seconds > 0,
                !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E) ~= $0 })
            else { throw CloudKeyError(.answer, "\(place) answered with a token that cannot be used") }
            return Lease.Held(token, expires: start.adding(seconds: min(seconds, 86_400)))
        }
    }

    /// What an answer says is wrong, or nil; descriptions are the service's own words, which name no secret.
    static func failure(_ response: KeyServiceResponse, _ place: String, hint: String?) -> CloudKeyError? {
        if response.isSuccess { return nil }
        let answer = try? response.object(place)
        let said = quoted(
            [answer?["error"]?.stringOrNil, answer?["error_description"]?.stringOrNil]
                .compactMap(\.self).joined(separator: ": "))
        if response.status == 429 || response.status >= 500 {
            return CloudKeyError(.unavailable, "\(place) gives out no token: \(said)")
        }
        return CloudKeyError(.credentials, "\(place) gives out no token: \(said)", hint: hint)
    }
}
