import Codecs
import SigningKeys

/// What a raw key signs: forms that are told apart by how they begin, from one another and from Notary signatures.
///
/// A list of what is wanted, since what is unwanted cannot be listed: verifiers read more than any signer would write.
enum RawFormat: Sendable, Hashable, CustomStringConvertible {
    /// TUF metadata of any role, and the registration of a key for a team. [TUF §4.2]
    case tuf
    /// DSSE envelopes with payloads of one type. [DSSE protocol]
    case dsse(payloadType: String)

    static let hint = "\"tuf\", or \"dsse:\" with the payload's type, such as \"dsse:application/vnd.in-toto+json\""

    init?(_ text: String) {
        if text == "tuf" {
            self = .tuf
        } else if text.hasPrefix("dsse:") {
            let type = text.dropFirst(5)
            guard (1...128).contains(type.utf8.count), type.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                return nil
            }
            self = .dsse(payloadType: String(type))
        } else {
            return nil
        }
    }

    var description: String {
        switch self {
        case .tuf: "TUF metadata"
        case .dsse(let type): "a DSSE envelope of \(type)"
        }
    }

    func fits(_ message: [UInt8]) -> Bool {
        switch self {
        case .tuf: Self.isMetadata(message) || Self.isRegistration(message)
        case .dsse(let type): Self.isEnvelope(message, type)
        }
    }

    private static let roles: Set<String> = ["root", "timestamp", "snapshot", "targets"]

    /// Canonical JSON of the signed part. Its control characters stand bare, where JSON wants them escaped.
    private static func isMetadata(_ message: [UInt8]) -> Bool {
        guard message.first == UInt8(ascii: "{") else { return false }
        let text = message.flatMap { $0 == UInt8(ascii: "\n") ? Array("\\n".utf8) : [$0] }
        guard let object = try? JSON(parsing: text).objectOrNil, let type = object["_type"]?.stringOrNil,
            roles.contains(type), object["version"]?.integerOrNil != nil, object["expires"]?.stringOrNil != nil,
            object["spec_version"]?.stringOrNil != nil
        else { return false }
        return (try? JSON.object(object).canonicalBytes()) == message
    }

    /// What a member of a team signs to register a key.
    private static func isRegistration(_ message: [UInt8]) -> Bool {
        message.count <= 1_024 && message.starts(with: "roadstead-team-key-v1\n".utf8)
    }

    /// The pre-authentication encoding, whole.
    private static func isEnvelope(_ message: [UInt8], _ type: String) -> Bool {
        let head = Array("DSSEv1 \(type.utf8.count) \(type) ".utf8)
        guard message.starts(with: head) else { return false }
        let digits = message.dropFirst(head.count).prefix { $0 != UInt8(ascii: " ") }
        let payload = message.count - head.count - digits.count - 1
        return payload >= 0 && digits.elementsEqual("\(payload)".utf8)
    }
}
