import Codecs
import Files
package import SigningKeys

/// How a signing service is reached: who asks, and which authorities vouch for the service.
///
/// From the environment (`ROADSTEAD_SIGNER_TOKEN_FILE`, `…_CERTIFICATE`, `…_KEY`, `…_CA`, `…_PLAIN_LOOPBACK=1`), or from
/// `~/.config/roadstead/signer.json`, where each host has its own.
package struct SignerAccess: Sendable {
    /// A token that stays as it is.
    package var token: Secret?
    /// A file whose token may be replaced at any time, as Kubernetes does; it is read for each request.
    package var tokenFile: String?
    package var certificate: String?
    package var key: String?
    package var authority: String?
    /// Plain HTTP, to this very machine and nowhere else.
    package var isPlain = false

    package init() {}

    private struct Form: Decodable {
        let tokenFile: String?
        let certificate: String?
        let key: String?
        let authority: String?
        let plainLoopback: Bool?
    }

    /// The environment goes before the file.
    package init(for authority: String, environment: [String: String]) throws {
        let home = environment["XDG_CONFIG_HOME"] ?? environment["HOME"].map { $0 + "/.config" }
        let form = try home.flatMap { try Self.form($0 + "/roadstead/signer.json", authority) }
        func value(_ name: String, _ own: String?) -> String? { environment["ROADSTEAD_SIGNER_" + name] ?? own }
        tokenFile = value("TOKEN_FILE", form?.tokenFile)
        _ = try bearer()
        certificate = value("CERTIFICATE", form?.certificate)
        key = value("KEY", form?.key)
        self.authority = value("CA", form?.authority)
        isPlain = environment["ROADSTEAD_SIGNER_PLAIN_LOOPBACK"].map { $0 == "1" } ?? form?.plainLoopback ?? false
        guard (certificate == nil) == (key == nil) else {
            throw SignerClientError(
                .configuration, "a client certificate and its key belong together",
                hint: "set ROADSTEAD_SIGNER_CERTIFICATE and ROADSTEAD_SIGNER_KEY")
        }
    }

    /// What is shown to the service now.
    package func bearer() throws -> Secret? {
        guard let tokenFile else { return token }
        var bytes = try Files.readSecret(tokenFile, limit: Self.longestToken)
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        guard !bytes.isEmpty, bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw SignerClientError(.configuration, "\(tokenFile) holds no token of one line")
        }
        return Secret(wiping: &bytes)
    }

    /// As long as the service takes, and the end of the line.
    private static let longestToken = 16_384 + 2

    private static func form(_ path: String, _ authority: String) throws -> Form? {
        guard Files.exists(path) else { return nil }
        do {
            let tree = try JSON(parsing: try Files.read(path, limit: 256 << 10))
            return try tree.decode([String: Form].self, place: "signers", unknownMembers: .refused)[authority]
        } catch let error as CodecError {
            throw SignerClientError(.configuration, "\(path): \(error.reason)", hint: error.hint)
        }
    }
}
