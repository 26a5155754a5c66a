import Codecs

/// What an issuer's token must say for its bearer to be one caller: each claim is one of the values that are named.
struct ClaimRule: Sendable {
    private let claims: [String: [JSON]]

    static let mostClaims = 20
    static let mostValues = 100
    static let longestText = 512

    /// What the issuer's settings decide, for every caller alike.
    private static let decided: Set<String> = ["iss", "aud", "exp", "nbf", "iat"]

    /// Issuers that serve everybody: a token of theirs says nothing of you without one of these claims.
    private static let owners: [String: Set<String>] = [
        "https://token.actions.githubusercontent.com": [
            "sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "enterprise_id",
        ],
        "https://gitlab.com": ["sub", "project_path", "project_id", "namespace_path", "namespace_id"],
        "https://accounts.google.com": ["sub", "email"],
    ]

    /// - Parameter issuer: as tokens name it.
    init(_ forms: [String: JSON], issuer: String, place: String) throws(SignerError) {
        if let name = forms.keys.sorted().first(where: Self.decided.contains) {
            throw SignerError(
                .configuration, "\(place) names \"\(name)\", which is the same for every caller",
                hint: "name what only this caller's tokens say, such as sub")
        }
        guard (1...Self.mostClaims).contains(forms.count) else {
            throw SignerError(
                .configuration,
                "\(place) names \(forms.count) claims, so that \(forms.isEmpty ? "every" : "no") token fits",
                hint: "1 to \(Self.mostClaims) claims, such as sub")
        }
        if let owners = Self.owners[issuer], owners.isDisjoint(with: forms.keys) {
            throw SignerError(
                .configuration, "\(place) fits tokens of strangers: \(issuer) signs for everybody",
                hint: "name one of \(owners.sorted().joined(separator: ", "))")
        }
        var claims: [String: [JSON]] = [:]
        for (name, form) in forms { claims[name] = try Self.values(form, "\(place).\(name.prefix(60))") }
        self.claims = claims
    }

    /// Whether a token says all of it; a claim that is a list or an object says nothing.
    func holds(_ token: JSONObject) -> Bool { differences(from: token).isEmpty }

    /// The names of the claims that are not as they must be.
    func differences(from token: JSONObject) -> [String] {
        claims.filter { name, values in token[name].map { !values.contains($0) } ?? true }.keys.sorted()
    }

    /// Whether some token could fit both.
    func overlaps(_ other: ClaimRule) -> Bool {
        claims.allSatisfy { name, values in
            other.claims[name].map { theirs in values.contains { theirs.contains($0) } } ?? true
        }
    }

    private static func values(_ form: JSON, _ place: String) throws(SignerError) -> [JSON] {
        let values = form.arrayOrNil ?? [form]
        guard (1...mostValues).contains(values.count), values.allSatisfy(isPlain) else {
            throw SignerError(
                .configuration, "\(place) is no value of a claim",
                hint: "a text, an integer, true or false, or a list of 1 to \(mostValues) of them")
        }
        return values
    }

    private static func isPlain(_ value: JSON) -> Bool {
        switch value {
        case .string(let text): (1...longestText).contains(text.utf8.count)
        case .integer, .bool: true
        default: false
        }
    }
}
