import OpenSSLKit

/// Bytes that never print and are overwritten when the last copy goes: passphrases, PINs, symmetric keys.
package struct Secret: Sendable {
    let bytes: SecretBytes

    /// Copies the bytes; the caller's array stays what it was.
    package init(_ bytes: [UInt8]) { self.bytes = SecretBytes(bytes) }

    /// Takes the bytes and overwrites where they came from.
    package init(wiping source: inout [UInt8]) {
        bytes = SecretBytes(source)
        SecretBytes.wipe(&source)
        source = []
    }

    package init(_ text: String) { self.init(Array(text.utf8)) }

    package static func random(_ count: Int) -> Secret {
        var bytes = RandomBytes.make(count)
        return Secret(wiping: &bytes)
    }

    package var count: Int { bytes.count }

    package var isEmpty: Bool { bytes.count == 0 }

    /// Runs `body` with a copy that is overwritten afterwards.
    package func withBytes<R, E: Error>(_ body: ([UInt8]) throws(E) -> R) throws(E) -> R {
        var copy = bytes.copy
        defer { SecretBytes.wipe(&copy) }
        return try body(copy)
    }
}

/// Equality takes the same time wherever the bytes differ.
extension Secret: Equatable {
    package static func == (lhs: Secret, rhs: Secret) -> Bool { Comparison.areEqual(lhs.bytes, rhs.bytes) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
