import Codecs
import IdentityTokens
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

    /// A token that is exchanged was issued this long ago at most.
    static let freshSeconds: Int64 = 600
    static let mostAudiences = 10

    let settings: ProviderSettings
    private let providers: [String: Provider]

    init(_ settings: ProviderSettings, outbound: OutboundClient) {
        self.settings = settings
        let issuers = settings.issuers.map { ($0, Provider(issuer: $0, outbound: outbound)) }
        providers = Dictionary(issuers) { first, _ in first }
    }

    /// The provider at which people sign in.
    var provider: Provider? { settings.issuer.flatMap { providers[$0] } }

    /// - Throws: `IdentityTokenError`.
    func verify(_ text: String, for purpose: Purpose, now: UTCDate) async throws(IdentityTokenError) -> AssertedIdentity
    {
        let token = try CompactToken(text)
        let claims = token.claims
        guard let name = token.issuer, let provider = providers[name] else {
            throw IdentityTokenError(.issuer, "the token's issuer is none of those that count here")
        }
        try checkAudience(token, purpose)
        try checkNonce(claims, purpose)
        let verified = try await TokenIssuer(name, keys: provider)
            .verify(token, maximumAge: purpose.isOfTheMoment ? Self.freshSeconds : nil, now: now)
        return AssertedIdentity(
            issuer: name, subject: verified.subject, displayName: displayName(claims), groups: groups(claims),
            issued: verified.issued, expires: verified.expires, tokenSHA256: verified.sha256,
            isForPeople: name == settings.issuer)
    }

    /// The token must be for this server; where it is for others too, it must have been issued to this one.
    private func checkAudience(_ token: CompactToken, _ purpose: Purpose) throws(IdentityTokenError) {
        let ours: [String]
        switch purpose {
        case .signIn: ours = [settings.clientID]
        case .bearer: ours = [settings.audience]
        case .proof: ours = [settings.clientID, settings.audience]
        }
        let audiences = token.audiences
        let isOurs = audiences.contains { audience in ours.contains { !$0.isEmpty && $0 == audience } }
        guard audiences.count <= Self.mostAudiences, isOurs else {
            throw IdentityTokenError(.audience, "the token is for somebody else")
        }
        let claims = token.claims
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
