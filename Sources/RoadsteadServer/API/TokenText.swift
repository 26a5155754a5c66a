import Codecs
import SigningKeys

/// A bearer credential: a recognisable prefix and 256 random bits. Only its digest is kept.
struct TokenText: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case api = "rst_"
        case bootstrap = "rsb_"
        case invitation = "rsi_"
        case join = "rsh_"
    }

    let text: String
    let sha256: [UInt8]

    static func generate(_ kind: Kind) -> TokenText {
        TokenText(text: kind.rawValue + Base64.encode(SecureRandom.bytes(32), .url))
    }

    /// What a caller showed, if it has the form of this kind; anything else cannot be known.
    init?(_ text: String, _ kind: Kind) {
        guard text.hasPrefix(kind.rawValue), text.utf8.count <= 128 else { return nil }
        self.init(text: text)
    }

    private init(text: String) {
        self.text = text
        sha256 = HashAlgorithm.sha256.digest(of: Array(text.utf8))
    }
}
