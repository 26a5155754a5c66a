import Codecs
import Files
package import SigningKeys

/// The key under which a server seals every other private key that it holds.
///
/// It lives in a file of mode 0600 or in a systemd credential, never in the database, and is backed up apart from it.
package struct MasterKey: Sendable {
    /// The first line of its file.
    package static let header = "roadstead-master-key-v1"
    package static let byteCount = 32
    /// The name of the systemd credential.
    package static let credentialName = "roadstead-master-key"

    /// Tells one master key from another without telling anything of either; stored beside what the key seals.
    package let checkValue: String
    private let material: Secret

    package static func generate() throws -> MasterKey { try MasterKey(.random(byteCount)) }

    package init(_ material: Secret) throws {
        guard material.count == Self.byteCount else {
            throw PublishError(.masterKey, "the master key has \(material.count) bytes, not \(Self.byteCount)")
        }
        self.material = material
        checkValue = Hex.encode(hmacSHA256(Array("roadstead-master-key-check-v1".utf8), key: material).prefix(16))
    }

    /// Reads the text of a key file: the header line, then the key in base64 or lower-case hexadecimal.
    package init(text: [UInt8], place: String = "the master key") throws {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let rest = lines.dropFirst(2).allSatisfy(\.isEmpty)
        guard lines.count >= 2, lines[0] == Self.header, rest, lines.count <= 3 else {
            throw PublishError(
                .masterKey, "\(place) is not a master key: its first line is not \(Self.header), the key on the second",
                hint: "roadstead-server dev makes one; for serve: roadstead-server master-key generate FILE")
        }
        let word = String(lines[1])
        guard var bytes = word.utf8.count == 64 ? try? Hex.decode(word) : try? Base64.decode(word) else {
            throw PublishError(
                .masterKey, "\(place) holds neither base64 nor lower-case hexadecimal on its second line")
        }
        try self.init(Secret(wiping: &bytes))
    }

    /// Reads a key file, which nobody but its owner may reach.
    package init(file path: String) throws {
        do {
            try self.init(text: try Files.readSecret(path, limit: 1_024), place: path)
        } catch let error as FileError {
            throw PublishError(.masterKey, "the master key: \(error.reason)", hint: error.hint)
        }
    }

    /// Reads the systemd credential.
    ///
    /// systemd may grant the service's user its read by an ACL, whose mask shows as the group's read bit.
    package init(credentialsDirectory directory: String) throws {
        let path = "\(directory)/\(Self.credentialName)"
        do {
            let mode = try Files.status(path, links: .followed).mode
            guard mode & 0o037 == 0 else {
                throw PublishError(.masterKey, "the credential \(path) can be reached by others (mode \(mode))")
            }
            try self.init(text: try Files.read(path, limit: 1_024), place: path)
        } catch let error as FileError {
            throw PublishError(
                .masterKey, "the master key: \(error.reason)",
                hint: "add LoadCredentialEncrypted=\(Self.credentialName):… to the unit")
        }
    }

    /// The text of a key file, to be written with mode 0600.
    package var fileText: [UInt8] {
        material.withBytes { Array("\(Self.header)\n\(Base64.encode($0))\n".utf8) }
    }

    /// Refuses to go on with another key than the one that sealed what is stored.
    package func confirm(checkValue stored: String) throws {
        guard ConstantTime.areEqual(Array(stored.utf8), Array(checkValue.utf8)) else {
            throw PublishError(
                .masterKey, "this is another master key than the one that sealed the stored keys",
                hint:
                    "give the master key that this database was used with; it has the check value \(stored.prefix(32))"
            )
        }
    }

    func seal(_ plaintext: [UInt8], context: [UInt8]) throws -> [UInt8] {
        try AEAD.seal(plaintext, key: sealingKey, authenticating: context)
    }

    func open(_ sealed: [UInt8], context: [UInt8]) throws -> Secret {
        try AEAD.open(sealed, key: sealingKey, authenticating: context)
    }

    /// A key of its own for one purpose, which tells nothing of this one.
    package func derived(for purpose: String) -> Secret {
        var key = hmacSHA256(Array("roadstead-master-key-\(purpose)-v1".utf8), key: material)
        return Secret(wiping: &key)
    }

    private var sealingKey: Secret { derived(for: "sealing") }
}
