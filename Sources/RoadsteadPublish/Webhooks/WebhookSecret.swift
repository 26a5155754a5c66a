import Codecs
import SigningKeys

/// What a receiver knows an event of this server by: a key of its own, with which every delivery is signed.
/// [Standard Webhooks 1.0.0, symmetric signatures]
package struct WebhookSecret: Sendable {
    package static let prefix = "whsec_"
    private static let byteCount = 32
    private let key: Secret

    package static func generate() -> WebhookSecret { WebhookSecret(key: .random(byteCount)) }

    private init(key: Secret) { self.key = key }

    /// Opens what was stored; refused when the master key, the name or the address is another than it was sealed for.
    package init(sealed: [UInt8], name: String, url: String, under master: MasterKey) throws {
        do {
            key = try master.open(sealed, context: Self.context(name, url))
        } catch {
            throw PublishError(
                .sealedKey, "the secret of webhook \"\(name)\" does not open: \(error)",
                hint: "it was sealed under another master key, or its row was changed: remove it and add it again")
        }
    }

    /// As the receiver is given it, once.
    package var text: String { Self.prefix + key.withBytes { Base64.encode($0) } }

    package func sealed(name: String, url: String, under master: MasterKey) throws -> [UInt8] {
        var plaintext = key.withBytes { $0 }
        defer { _ = Secret(wiping: &plaintext) }
        return try master.seal(plaintext, context: Self.context(name, url))
    }

    /// The value of `webhook-signature`.
    package func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
        "v1," + Base64.encode(hmacSHA256(Array("\(id).\(timestamp).".utf8) + body, key: key))
    }

    private static func context(_ name: String, _ url: String) -> [UInt8] {
        Array("roadstead-webhook-secret-v1\n\(name)\n\(url)".utf8)
    }
}
