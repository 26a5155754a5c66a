import Codecs
import Outbound
import RoadsteadStore
import SigningKeys

/// Decides whether a provider's token counts, and what it says. [OpenID Connect Core §3.1.3.7, RFC 8725]
struct TokenVerifier: Sendable {
    enum Purpose: Sendable {
        /// To be exchanged for a session; with the nonce of the browser flow.
        case signIn(nonce: String?)
        /// Sent with a request, as automation does.
        case bearer
        /// Shown by somebody who is signed in, as an identity of theirs.
        case proof(nonce: String?)
    }

    static let leewaySeconds: Int64 = 60
    /// A token that is exchanged was issued this long ago at most.
    static let freshSeconds: Int64 = 600
    static let mostAudiences = 10

    let settings: ProviderSettings
    private let providers: [String: Provider]

    init(_ settings: ProviderSettings, fetch: @escaping Provider.Fetch) {
        self.settings = settings
        let issuers = settings.issuers.map { ($0, Provider(issuer: $0, fetch: fetch)) }
        providers = Dictionary(issuers) { first, _ in first }
    }

    init(_ settings: ProviderSettings, outbound: OutboundClient) {
        self.init(settings) { url in
            let answer = try await outbound.request(
                OutboundRequest(
                    .get, url, headers: [("Accept", "application/json")], maximumBytes: Provider.largestDocument))
            guard answer.status == 200 else {
                throw IdentityTokenError(.provider, "\(answer.url.origin) answers with status \(answer.status)")
            }
            return answer.body
        }
    }

    /// The provider at which people sign in.
    var provider: Provider? { settings.issuer.flatMap { providers[$0] } }

    /// - Throws: `IdentityTokenError`.
    func verify(_ text: String, for purpose: Purpose, now: UTCDate) async throws(IdentityTokenError) -> AssertedIdentity
    {
        let token = try CompactToken(text)
        let claims = token.claims
        guard let issuer = claims["iss"]?.stringOrNil, let provider = providers[issuer] else {
            throw IdentityTokenError(.issuer, "the token's issuer is none of those that count here")
        }
        // What costs a request to the issuer comes after what costs nothing.
        let (issued, expires) = try checkTimes(claims, purpose, now)
        try checkAudience(claims, purpose)
        try checkNonce(claims, purpose)
        try await provider.key(token.keyID, now: now).verify(token)
        return AssertedIdentity(
            issuer: issuer, subject: try subject(claims), displayName: displayName(claims), groups: groups(claims),
            issued: issued, expires: expires, tokenSHA256: HashAlgorithm.sha256.digest(of: token.signed),
            isForPeople: issuer == settings.issuer)
    }

    private func checkTimes(
        _ claims: JSONObject, _ purpose: Purpose, _ now: UTCDate
    ) throws(IdentityTokenError) -> (issued: UTCDate, expires: UTCDate) {
        guard let end = time("exp", claims), let issued = time("iat", claims) else {
            throw IdentityTokenError(.time, "the token does not say when it was issued and when it ends")
        }
        let expires = end.adding(seconds: Self.leewaySeconds)
        guard now < expires else { throw IdentityTokenError(.time, "the token ended at \(end)") }
        guard issued <= now.adding(seconds: Self.leewaySeconds), issued < end else {
            throw IdentityTokenError(.time, "the token was issued at \(issued), which is to come")
        }
        if claims["nbf"] != nil {
            guard let start = time("nbf", claims), start <= now.adding(seconds: Self.leewaySeconds) else {
                throw IdentityTokenError(.time, "the token is not good yet")
            }
        }
        if purpose.isOfTheMoment, now > issued.adding(seconds: Self.freshSeconds) {
            throw IdentityTokenError(.time, "the token was issued at \(issued), too long ago to sign in with")
        }
        return (min(issued, now), expires)
    }

    private func time(_ name: String, _ claims: JSONObject) -> UTCDate? {
        guard let seconds = claims[name]?.integerOrNil, seconds > 0 else { return nil }
        return UTCDate(seconds: seconds)
    }

    /// The token must be for this server; where it is for others too, it must have been issued to this one.
    private func checkAudience(_ claims: JSONObject, _ purpose: Purpose) throws(IdentityTokenError) {
        let ours: [String]
        switch purpose {
        case .signIn: ours = [settings.clientID]
        case .bearer: ours = [settings.audience]
        case .proof: ours = [settings.clientID, settings.audience]
        }
        let audiences: [String?]
        switch claims["aud"] {
        case .string(let one)?: audiences = [one]
        case .array(let several)?: audiences = several.map(\.stringOrNil)
        default: audiences = []
        }
        let isOurs = audiences.contains { audience in ours.contains { !$0.isEmpty && $0 == audience } }
        guard audiences.count <= Self.mostAudiences, isOurs else {
            throw IdentityTokenError(.audience, "the token is for somebody else")
        }
        let party = claims["azp"]?.stringOrNil ?? ""
        guard audiences.count == 1 || (!party.isEmpty && ([settings.clientID] + ours).contains(party)) else {
            throw IdentityTokenError(.audience, "the token is for several, and was issued to another of them")
        }
        if case .signIn = purpose, let party = claims["azp"], party.stringOrNil != settings.clientID {
            throw IdentityTokenError(.audience, "the token was issued to another client")
        }
    }

    /// A token that carries a nonce is good for the sign-in that asked for it, and for nothing else.
    private func checkNonce(_ claims: JSONObject, _ purpose: Purpose) throws(IdentityTokenError) {
        switch (claims["nonce"], purpose.nonce) {
        case (nil, nil): return
        case (.string(let found)?, let expected?)
        where ConstantTime.areEqual(Array(found.utf8), Array(expected.utf8)):
            return
        default: throw IdentityTokenError(.nonce, "the token was made for another sign-in")
        }
    }

    private func subject(_ claims: JSONObject) throws(IdentityTokenError) -> String {
        guard let subject = claims["sub"]?.stringOrNil, (1...255).contains(subject.utf8.count),
            subject.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { throw IdentityTokenError(.subject, "the token names no subject of 1 to 255 bytes") }
        return subject
    }

    private func displayName(_ claims: JSONObject) -> String {
        for name in ["name", "preferred_username", "email", "sub"] {
            guard let text = claims[name]?.stringOrNil else { continue }
            let clean = text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(200)
            let shown = String(String.UnicodeScalarView(clean))
            if !shown.allSatisfy(\.isWhitespace) { return shown }
        }
        return "somebody"
    }

    /// Groups that are too many or too long bring nothing: half of a list would be a guess.
    private func groups(_ claims: JSONObject) -> [String] {
        guard case .array(let list)? = claims[settings.groupsClaim], list.count <= AssertedIdentity.mostGroups else {
            return []
        }
        let names = list.compactMap(\.stringOrNil).filter {
            (1...AssertedIdentity.longestGroup).contains($0.utf8.count) && !$0.utf8.contains(0)
        }
        return Set(names).sorted()
    }
}

extension TokenVerifier.Purpose {
    /// Whether the token must have been issued just now.
    fileprivate var isOfTheMoment: Bool {
        switch self {
        case .signIn, .proof: true
        case .bearer: false
        }
    }

    fileprivate var nonce: String? {
        switch self {
        case .signIn(let nonce), .proof(let nonce): nonce
        case .bearer: nil
        }
    }
}
