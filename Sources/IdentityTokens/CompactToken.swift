package import Codecs

/// A signed token taken apart, nothing of it verified. [RFC 7515 §7.1, RFC 7519]
package struct CompactToken: Sendable {
    package let text: String
    package let algorithm: String
    package let keyID: String
    package let claims: JSONObject

    /// What the issuer signed. It says which token this is: one and the same may carry other signatures that are as good.
    var signed: [UInt8] { Array(text.utf8[..<(text.utf8.lastIndex(of: UInt8(ascii: ".")) ?? text.utf8.endIndex)]) }

    package static let maximumBytes = 16_384
    /// [RFC 7519 §5.1, RFC 9068 §2.1, JWT-SVID §2.3]
    private static let types = ["jwt", "jose", "at+jwt", "application/at+jwt"]
    private static let limits = JSONLimits(bytes: maximumBytes, depth: 8)

    /// - Throws: `.malformed` for what is no such token, has a member twice, or asks for an extension.
    package init(_ text: String) throws(IdentityTokenError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw IdentityTokenError(.malformed, "the token has more than \(Self.maximumBytes) bytes")
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = try? Base64.decode(String(parts[2]), .url), !signature.isEmpty else {
            throw IdentityTokenError(.malformed, "the token does not have three parts")
        }
        let header = try Self.object(parts[0], "header")
        guard header["crit"] == nil else {
            throw IdentityTokenError(.malformed, "the token's header asks for extensions")
        }
        if let type = header["typ"] {
            guard let word = type.stringOrNil?.lowercased(), Self.types.contains(word)
            else { throw IdentityTokenError(.malformed, "the token is of another type") }
        }
        guard let algorithm = header["alg"]?.stringOrNil else {
            throw IdentityTokenError(.algorithm, "the token names no algorithm")
        }
        guard let keyID = header["kid"]?.stringOrNil, (1...256).contains(keyID.utf8.count) else {
            throw IdentityTokenError(.key, "the token names no key")
        }
        self.text = text
        self.algorithm = algorithm
        self.keyID = keyID
        claims = try Self.object(parts[1], "claims")
    }

    /// The issuer that the token names, before anybody has proved it.
    package var issuer: String? { claims["iss"]?.stringOrNil }

    /// For whom the token is; what is no text stands as nil. [RFC 7519 §4.1.3]
    package var audiences: [String?] {
        switch claims["aud"] {
        case .string(let one)?: [one]
        case .array(let several)?: several.map(\.stringOrNil)
        default: []
        }
    }

    private static func object(_ part: Substring, _ what: String) throws(IdentityTokenError) -> JSONObject {
        do {
            return try JSON(parsing: try Base64.decode(String(part), .url), limits: limits).object(
                "the token's \(what)")
        } catch {
            throw IdentityTokenError(.malformed, "the token's \(what): \(error.reason)")
        }
    }
}
