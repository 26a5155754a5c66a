import Glibc
import NIOCore

/// An address of IPv4 (four bytes) or IPv6 (sixteen).
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// - Returns: nil unless there are four or sixteen bytes.
    package init?(bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads the plain spelling: four decimal numbers without leading zeros, or IPv6 without a zone.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 45, text.utf8.allSatisfy({ $0 != 0x25 && $0 > 0x20 && $0 < 0x7f }) else { return nil }
        let bytes: [UInt8]?
        if text.contains(":") {
            bytes = Self.version6(String(text))
        } else {
            bytes = Self.version4(text)
        }
        guard let bytes else { return nil }
        self.bytes = bytes
    }

    var isVersion4: Bool { bytes.count == 4 }

    package var description: String { (try? socketAddress(port: 0).ipAddress) ?? "\(bytes)" }

    func socketAddress(port: Int) throws -> SocketAddress {
        try SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: port)
    }

    private static func version4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let numbers = parts.compactMap { part -> UInt8? in
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || !part.hasPrefix("0")
            else { return nil }
            return UInt8(part)
        }
        return numbers.count == 4 ? numbers : nil
    }

    private static func version6(_ text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard unsafe inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        return bytes
    }
}
