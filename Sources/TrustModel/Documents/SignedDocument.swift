import Codecs

/// A JSON document that a fleet publishes as a signed target.
///
/// Every one carries `schema` and `critical`: members that a reader does not know are ignored, a name in `critical`
/// that it does not know stops it. Both are there from the first version, since readers cannot be taught later.
package protocol SignedDocument: Codable, Sendable {
    /// The schema that this program writes; it reads this one and older ones.
    static var currentSchema: Int { get }
    /// The names in `critical` that this program understands.
    static var knownFeatures: Set<String> { get }
    /// What the document is, for errors.
    static var documentName: String { get }
    /// The largest text of it that is read, in bytes.
    static var byteLimit: Int { get }
    var schema: Int { get }
    var critical: [String] { get }
}

extension SignedDocument {
    package static var currentSchema: Int { 1 }
    package static var knownFeatures: Set<String> { [] }
    package static var byteLimit: Int { 8 << 20 }

    /// Reads a document from the bytes of a verified target.
    ///
    /// - Throws: `TrustModelError(.criticalFeature)` when it needs what this program does not know.
    package init(verifiedBytes bytes: [UInt8]) throws {
        let tree = try JSON(parsing: bytes, limits: JSONLimits(bytes: Self.byteLimit))
        let header = try tree.decode(DocumentHeader.self, place: Self.documentName)
        let unknown = header.critical.filter { !Self.knownFeatures.contains($0) }
        guard unknown.isEmpty, (1...Self.currentSchema).contains(header.schema) else {
            let needed =
                unknown.isEmpty
                ? "schema \(header.schema)" : unknown.map { "\"\($0.prefix(64))\"" }.joined(separator: ", ")
            throw TrustModelError(
                .criticalFeature, "\(Self.documentName) needs \(needed), which this program does not know",
                hint: "update the agent on this host")
        }
        self = try tree.decode(place: Self.documentName)
    }

    /// The bytes to publish: canonical, so that equal documents are equal bytes.
    package func publishedBytes() throws -> [UInt8] { try JSON(encoding: self).canonicalBytes() }
}

private struct DocumentHeader: Decodable {
    let schema: Int
    let critical: [String]
}
