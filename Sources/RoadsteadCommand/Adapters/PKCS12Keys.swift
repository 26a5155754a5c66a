import Files
import PKI
import SigningKeys

/// Keys with their chains in PKCS#12 files, named `pkcs12:PATH`, as certification authorities deliver them.
struct PKCS12Keys: KeyBackend {
    private let request: KeyRequest

    init(_ request: KeyRequest) { self.request = request }

    func open(_ name: KeyName) async throws -> OpenedKey {
        let path = String(name.rest)
        let bytes = try Files.readSecret(path, limit: KeyBundle.maximumBytes)
        guard let passphrase = try request.passphrase.secret("passphrase of \(path)", on: request.console) else {
            throw CommandError(
                .environment, "\(path) is encrypted and there is no terminal to ask for its passphrase",
                hint: "use --passphrase-file or --passphrase-fd")
        }
        do throws(KeyError) {
            let bundle = try KeyBundle(pkcs12: bytes, passphrase: passphrase)
            return OpenedKey(
                bundle.key, name: name,
                certificates: CertificateFile.ordered(
                    bundle.certificates, of: bundle.key.publicKey, at: request.console.now),
                protection: .encrypted)
        } catch {
            throw CommandError(.environment, "cannot use the key in \(path): \(error.reason)", hint: error.hint)
        }
    }
}
