/// A text value that is equal only to the same bytes: `String` would take "é" in two encodings for one name.
package protocol ByteText: Sendable, Hashable, Comparable, CustomStringConvertible {
    var text: String { get }
}

extension ByteText {
    package static func == (lhs: Self, rhs: Self) -> Bool { lhs.text.utf8.elementsEqual(rhs.text.utf8) }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.text.utf8.lexicographicallyPrecedes(rhs.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(text.utf8.count)
        for byte in text.utf8 { hasher.combine(byte) }
    }

    package var description: String { text }
}
