import Codecs

/// What a key signs to show that it is at hand: a text of its own, which nobody takes for anything else.
package enum KeyChallenge {
    private static let beginning = "roadstead: this key is at hand "
    private static let digits = 32

    /// One that was never signed before.
    package static func fresh() -> [UInt8] {
        Array((beginning + Hex.encode(SecureRandom.bytes(digits / 2))).utf8)
    }

    package static func isOne(_ message: [UInt8]) -> Bool {
        message.count == beginning.utf8.count + digits && message.starts(with: beginning.utf8)
    }
}
