import SigningKeys

/// A key of a signing service: `roadstead://HOST[:PORT]/KEY`.
struct SignerAddress: Sendable, Hashable {
    /// Host and port, as settings name it.
    let authority: String
    let host: String
    let key: String

    static let port = 8_443

    init(_ name: KeyName) throws(KeyError) {
        let parts = name.rest.split(separator: "/", omittingEmptySubsequences: false)
        guard name.scheme == .roadstead, parts.count == 2 else { throw Self.malformed }
        let colon = parts[0].lastIndex(of: ":")
        host = String(parts[0][..<(colon ?? parts[0].endIndex)])
        var port = Self.port
        if let colon {
            let text = parts[0][parts[0].index(after: colon)...]
            guard let number = Int(text), String(number) == text, (1...65_535).contains(number) else {
                throw Self.malformed
            }
            port = number
        }
        key = String(parts[1])
        authority = "\(host):\(port)"
        let isHost = (1...253).contains(host.utf8.count) && host.utf8.allSatisfy { Self.isWord($0) || $0 == 0x2E }
        let isKey =
            (1...64).contains(key.utf8.count) && key.first != "."
            && key.utf8.allSatisfy { Self.isWord($0) || $0 == 0x2E }
        guard isHost, isKey else { throw Self.malformed }
    }

    var isLoopback: Bool { ["127.0.0.1", "localhost"].contains(host) }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2D
    }

    private static let malformed = KeyError(
        .name, "the URI of a signing service's key is malformed",
        hint: "such as roadstead://signer.example.com/release or roadstead://signer.example.com:8443/release")
}
