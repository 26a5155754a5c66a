import Codecs
import PostgresKit

/// Lists and maps of texts as they stand in text columns: canonical JSON.
enum StoredJSON {
    static func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSON(encoding: value).canonicalBytes(), as: UTF8.self)
    }

    static func read<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
        try JSON(parsing: Array(text.utf8)).decode(Value.self, place: "a stored value")
    }
}

extension Array where Element == UInt8 {
    /// A stored digest must be of SHA-256.
    func requireDigest(_ what: String) throws {
        guard count == 32 else { throw StoreError(.invalid, "\(what) is no SHA-256: it has \(count) bytes") }
    }
}
