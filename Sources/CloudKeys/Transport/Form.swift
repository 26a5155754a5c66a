import Codecs

/// Text as it goes into queries, forms and paths: everything but the unreserved characters as `%XX`. [RFC 3986 §2.3]
enum Form {
    static func encoded(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: result.append(byte)
            default: result += Array("%\(Hex.encode([byte]).uppercased())".utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// `application/x-www-form-urlencoded`, with the blank as `%20`, which every reader takes.
    static func body(_ fields: [(String, String)]) -> [UInt8] {
        Array(fields.map { "\(encoded($0))=\(encoded($1))" }.joined(separator: "&").utf8)
    }

    static let header = (name: "Content-Type", value: "application/x-www-form-urlencoded")
}
