import Codecs
package import MetadataTransport
import RoadsteadWire

/// What a server that refuses has to say.
package struct ServerProblem: Sendable {
    package let status: Int
    package let type: String?
    package let text: String
    package let hint: String?

    package init(_ answer: HTTPAnswer) {
        status = answer.status
        guard let body: ProblemBody = try? JSON(parsing: answer.body).decode(place: "answer") else {
            (type, text, hint) = (nil, "status \(answer.status)", nil)
            return
        }
        type = body.type
        text = Self.printable(body.detail.isEmpty ? body.title : body.detail)
        hint = body.hint.map(Self.printable)
    }

    /// Whether the server says that this host has metadata which it does not know to have published.
    package var isHostAhead: Bool { status == 409 && (type == "host-ahead" || type?.hasSuffix(".host-ahead") == true) }

    /// The server is not trusted with the terminal: control characters go.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }).prefix(500))
    }
}
