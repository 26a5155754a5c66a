/// A block of addresses, such as `10.0.0.0/8`.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    let base: IPAddress
    let bits: Int

    /// - Returns: nil unless the text is an address, a slash and as many bits as the address has or fewer, with no bit
    ///   set behind them.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = IPAddress(parts[0]), let bits = Int(parts[1]),
            String(bits) == parts[1], (0...base.bytes.count * 8).contains(bits)
        else { return nil }
        self.base = base
        self.bits = bits
        guard base.bytes == Self.masked(base.bytes, bits) else { return nil }
    }

    package var description: String { "\(base)/\(bits)" }

    func contains(_ address: IPAddress) -> Bool {
        address.bytes.count == base.bytes.count && Self.masked(address.bytes, bits) == base.bytes
    }

    private static func masked(_ bytes: [UInt8], _ bits: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(8, max(0, bits - index * 8))
            return byte & ~UInt8(truncatingIfNeeded: 0xff >> kept)
        }
    }
}
