/// Who is to sign a team's role: the server, or the team's members with keys of their own.
package struct CustodySetting: Sendable, Hashable {
    package let custody: Custody
    /// Ids of registered keys, in order; none in the server's custody.
    package let keys: [String]
    /// How many of them must sign; 0 in the server's custody.
    package let threshold: Int
    /// Whether the keys that signed before are lost, so that they do not sign the first version of the new ones.
    package let formerLost: Bool

    /// More keys than a team can bring together.
    package static let maximumKeys = 32

    /// - Throws: `TrustModelError(.document)` for keys and a threshold that do not fit each other.
    package init(
        _ custody: Custody, keys: [String] = [], threshold: Int = 0, formerLost: Bool = false
    ) throws(TrustModelError) {
        switch custody {
        case .server:
            guard keys.isEmpty, threshold == 0 else {
                throw TrustModelError(
                    .document, "keys of the team are named for the server's custody",
                    hint: "leave keys and threshold out, or set the team's custody")
            }
        case .team:
            guard Set(keys).count == keys.count else {
                throw TrustModelError(.document, "one key is named twice", hint: "name each key once")
            }
            guard (1...Self.maximumKeys).contains(keys.count) else {
                throw TrustModelError(
                    .document, "\(keys.count) keys are named to sign for a team", hint: "1 to \(Self.maximumKeys)")
            }
            guard (1...keys.count).contains(threshold) else {
                throw TrustModelError(
                    .document, "the threshold \(threshold) cannot be met with \(keys.count) keys",
                    hint: "choose a threshold from 1 to the number of keys")
            }
        }
        for key in keys where key.utf8.count != 64 || !key.utf8.allSatisfy(isHexadecimal) {
            throw TrustModelError(
                .document, "\"\(key.prefix(80))\" is no id of a key",
                hint: "64 hexadecimal digits: roadstead team keys list")
        }
        self.custody = custody
        self.keys = keys.sorted()
        self.threshold = threshold
        self.formerLost = formerLost
    }
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
}
