import Codecs
import Files
import SigningKeys
import TokenWire

/// Remembers, for this user and across programs, which PINs a token refused, so that no script gives one again and locks
/// the token. [`~/.local/state/roadstead/pins`]
///
/// Nobody who reads the memory learns a PIN. A PIN has so few values that any hash of it can be tried out; therefore the
/// hash is a slow one (scrypt, a fifth of a second for each guess), with a salt of its own, and only its first two bytes
/// are kept: of the million PINs of six digits, fifteen fit. The price is that one right PIN in 65,536 is taken for the
/// wrong one, and then the file must be removed. A PIN that a token took is never written at all.
package struct PINMemory: Sendable {
    private let directory: String

    private static let keptBytes = 2
    private static let maximumRefused = 8
    /// How long a program waits for others that are giving a PIN to the same token.
    private static let patience = Duration.seconds(60)

    /// - Parameter directory: made when it is first needed, for its owner alone.
    package init(directory: String) { self.directory = directory }

    /// The usual place for a user whose environment is this.
    package init?(environment: [String: String]) {
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            self.init(directory: state + "/roadstead/pins")
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            self.init(directory: home + "/.local/state/roadstead/pins")
        } else {
            return nil
        }
    }

    private struct Refused {
        var salt: [UInt8]
        var hashes: [[UInt8]] = []
    }

    /// Gives a PIN to a token while no other program of this user does, so that each knows what the token refused before.
    func givingPIN<Value>(to token: TokenDescription, _ body: () throws -> Value) throws -> Value {
        do {
            try Files.createDirectory(directory, mode: 0o700)
            let lock = try FileLock(path(token) + ".lock", within: Self.patience)
            defer { withExtendedLifetime(lock) {} }
            return try body()
        } catch let error as FileError where error.code == .locked {
            throw TokenError(
                .failed, "other programs have been giving a PIN to token \"\(token.label)\" for \(Self.patience)",
                hint: "see whether one of them hangs")
        } catch let error as FileError {
            throw TokenError(
                .failed, "it cannot be written down what PINs the token refuses, so none was given: \(error.reason)",
                hint: "name a directory that this user can write in XDG_STATE_HOME")
        }
    }

    /// Stops a PIN that the token refused before.
    func check(_ pin: Secret, _ token: TokenDescription) throws {
        guard let refused = try read(token), refused.hashes.contains(try Self.hash(pin, refused.salt)) else { return }
        throw TokenError(
            .pinWrong, "token \"\(token.label)\" refused this PIN before, so it was not given again",
            hint: "give the right PIN; if this is the right one now, remove \(path(token))")
    }

    /// After the token refused a PIN.
    func add(_ pin: Secret, _ token: TokenDescription) throws {
        var refused = try read(token) ?? Refused(salt: SecureRandom.bytes(16))
        let hash = try Self.hash(pin, refused.salt)
        guard !refused.hashes.contains(hash) else { return }
        refused.hashes = refused.hashes.suffix(Self.maximumRefused - 1) + [hash]
        let json: JSON = [
            "salt": .string(Hex.encode(refused.salt)),
            "refused": .array(refused.hashes.map { .string(Hex.encode($0)) }),
        ]
        try Files.createDirectory(directory, mode: 0o700)
        try Files.write(json.bytes, to: path(token), mode: 0o600)
    }

    /// After the token took a PIN: what it refused before tells nothing any more.
    func clear(_ token: TokenDescription) throws {
        if Files.exists(path(token)) { try Files.remove(path(token)) }
    }

    private func read(_ token: TokenDescription) throws -> Refused? {
        guard Files.exists(path(token)) else { return nil }
        do {
            let json = try JSON(parsing: try Files.readSecret(path(token), limit: 4_096)).object("the file")
            return Refused(
                salt: try Hex.decode(json.string("salt", in: "the file")),
                hashes: try json.array("refused", in: "the file").map { try Hex.decode($0.string("refused")) })
        } catch {
            throw TokenError(
                .failed, "\(path(token)), which says what PINs the token refused, cannot be read: \(error)",
                hint: "remove it, after you have made sure of the PIN")
        }
    }

    private func path(_ token: TokenDescription) -> String {
        let name = [token.manufacturer, token.model, token.serial, token.label].joined(separator: "\u{0}")
        return directory + "/" + Hex.encode(Array(HashAlgorithm.sha256.digest(of: Array(name.utf8)).prefix(16)))
    }

    private static func hash(_ pin: Secret, _ salt: [UInt8]) throws -> [UInt8] {
        Array(try slowHash(pin, salt: salt, count: 32).prefix(keptBytes))
    }
}
