import Codecs
import PKI

/// A revocation list as a person or a program reads it; nothing about it is verified.
struct RevocationListView {
    let list: RevocationList

    /// More than anybody reads on a screen; the JSON has all.
    private static let shownEntries = 100

    var lines: [String] {
        var lines = [
            "revocation list of \(list.issuer.shortDescription)", "number \(list.crlNumberText ?? "unknown")",
            "in force from \(list.thisUpdate), due to be followed by \(list.nextUpdate)",
        ]
        if let scope { lines.append("not a full list: \(scope)") }
        lines.append("\(list.entries.count) revoked")
        for entry in list.entries.prefix(Self.shownEntries) {
            var text = "  \(entry.serialNumber.text) at \(entry.revokedAt)"
            if let reason = entry.reason { text += ", \(reason.rawValue)" }
            if let date = entry.invalidityDate { text += ", invalid since \(date)" }
            lines.append(text)
        }
        if list.entries.count > Self.shownEntries {
            lines.append("  and \(list.entries.count - Self.shownEntries) more: --output json shows all")
        }
        return lines
    }

    var json: JSON {
        var object = JSONObject([
            ("type", "revocation-list"), ("issuer", .string(list.issuer.shortDescription)),
            ("crlNumber", list.crlNumberText.map { .string($0) } ?? .null),
            ("thisUpdate", .string(list.thisUpdate.description)), ("nextUpdate", .string(list.nextUpdate.description)),
            ("authorityKeyIdentifier", list.authorityKeyIdentifier.map { .string(Hex.encode($0)) } ?? .null),
            ("signatureAlgorithm", .string(list.signatureAlgorithm.identifier)),
        ])
        object["scope"] = scope.map { .string($0) }
        object["count"] = .integer(Int64(list.entries.count))
        object["revoked"] = .array(list.entries.map(Self.json))
        return .object(object)
    }

    private var scope: String? {
        list.isDelta ? "changes to another one" : list.isPartial ? "a part, or of several issuers" : nil
    }

    private static func json(_ entry: RevokedCertificate) -> JSON {
        var object = JSONObject([
            ("serialNumber", .string(entry.serialNumber.text)), ("revokedAt", .string(entry.revokedAt.description)),
            ("reason", .string((entry.reason ?? .unspecified).rawValue)),
        ])
        object["invalidityDate"] = entry.invalidityDate.map { .string($0.description) }
        return .object(object)
    }
}
