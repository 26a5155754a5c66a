import Codecs
import SigningKeys

/// A version of a key as a vault describes it: one that can sign now, or none.
struct AzureKey {
    struct ID: Sendable, Hashable {
        let key: String
        let version: String

        var segments: [String] { [key, version] }

        func name(_ vault: AzureVault) throws(CloudKeyError) -> KeyName {
            try KeyName(built: "\(KeyScheme.azurekms.prefix)\(vault.host)/\(key)/\(version)")
        }
    }

    let id: ID
    let publicKey: PublicKey

    init(_ answer: JSONObject, _ vault: AzureVault, now: UTCDate) throws {
        let key = try answer.object("key", in: "the answer")
        let segments = try Self.segments(try key.string("kid", in: "key"), vault)
        guard segments.count == 2 else { throw CloudKeyError(.answer, "a vault's key id has no version") }
        id = ID(key: segments[0], version: segments[1])
        let label = segments.joined(separator: "/")
        let operations = key["key_ops"]?.arrayOrNil?.compactMap(\.stringOrNil)
        guard operations?.contains("sign") ?? true else {
            throw CloudKeyError(
                .unusable, "the key \(label) may not be used to sign",
                hint: "make one with the operations sign and verify")
        }
        try Self.check(try answer.object("attributes", in: "the answer"), label, now)
        publicKey = try Self.publicKey(key, label)
    }

    /// `https://HOST/keys/NAME[/VERSION]`, of this very vault.
    static func segments(_ identifier: String, _ vault: AzureVault) throws(CloudKeyError) -> [String] {
        guard let parts = try vault.segments(identifier[...]), (2...3) ~= parts.count, parts[0] == "keys",
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isNameByte) })
        else { throw CloudKeyError(.answer, "\(vault.host) names a key that is not its own: \(quoted(identifier))") }
        return Array(parts.dropFirst())
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39) ~= byte || (0x61...0x7A) ~= (byte | 0x20) && byte >= 0x41 || byte == 0x2D
    }

    private static func check(_ attributes: JSONObject, _ label: String, _ now: UTCDate) throws(CloudKeyError) {
        guard attributes["enabled"]?.boolOrNil ?? false else {
            throw CloudKeyError(
                .unusable, "the key \(label) is disabled", hint: "az keyvault key set-attributes --enabled true")
        }
        if let end = attributes["exp"]?.integerOrNil, end <= now.seconds {
            throw CloudKeyError(.unusable, "the key \(label) has expired on \(UTCDate(seconds: end))")
        }
        if let start = attributes["nbf"]?.integerOrNil, start > now.seconds {
            throw CloudKeyError(.unusable, "the key \(label) is not valid before \(UTCDate(seconds: start))")
        }
    }

    private static func publicKey(_ key: JSONObject, _ label: String) throws -> PublicKey {
        func number(_ name: String) throws -> [UInt8] { try Base64.decode(try key.string(name, in: "key"), .url) }
        switch try key.string("kty", in: "key") {
        case "EC", "EC-HSM":
            let name = try key.string("crv", in: "key")
            guard let curve = EllipticCurve.allCases.first(where: { $0.name == name }) else {
                throw CloudKeyError(
                    .unusable, "the key \(label) is on the curve \(quoted(name)), which is not supported",
                    hint: "use P-256, P-384 or P-521")
            }
            return try ServicePublicKey.point(x: try number("x"), y: try number("y"), curve, of: label)
        case "RSA", "RSA-HSM":
            return try ServicePublicKey.rsa(modulus: try number("n"), exponent: try number("e"), of: label)
        case let type:
            throw CloudKeyError(.unusable, "the key \(label) is of the type \(quoted(type)), which does not sign")
        }
    }
}
