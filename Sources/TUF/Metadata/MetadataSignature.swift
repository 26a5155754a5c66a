package import Codecs

/// One signature of a metadata file: a claim until it is verified. [TUF §4.2 SIGNATURE]
package struct MetadataSignature: Sendable, Equatable {
    package let keyID: KeyID
    /// Hexadecimal as received; files with reserved places carry an empty one.
    package let text: String
    package var otherMembers = JSONObject()

    package init(keyID: KeyID, bytes: [UInt8]) {
        self.keyID = keyID
        text = Hex.encode(bytes)
    }

    init(_ value: JSON) throws(TUFError) {
        let members = try value.asObject("signatures")
        keyID = KeyID(try members.text("keyid", "signatures"))
        text = try members.text("sig", "signatures")
        otherMembers = members.without("keyid", "sig")
    }

    /// The signature's bytes; nil when the text is not hexadecimal or empty.
    package var bytes: [UInt8]? {
        guard !text.isEmpty else { return nil }
        return try? Hex.decode(text.lowercased())
    }

    var json: JSON {
        .object(JSONObject([("keyid", .string(keyID.text)), ("sig", .string(text))]).adding(otherMembers))
    }
}
