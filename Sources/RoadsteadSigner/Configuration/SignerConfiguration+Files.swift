import Files
import NIOSSL
import PKI

extension SignerConfiguration {
    /// Reads what only serving needs: the listener's files, the chains of keys, and what holds their PINs and passphrases.
    ///
    /// - Throws: `.configuration` with the first thing that cannot be used.
    func checkFiles() throws {
        _ = try listen.tls()
        _ = try operators?.tls(isForOperators: true)
        for (name, settings, _) in keys {
            do {
                if let path = settings.certificates {
                    _ = try Certificate.parse(pemOrDER: try Files.read(path, limit: 1 << 20))
                }
                for secret in [settings.pinFile, settings.passphraseFile] {
                    if let secret { _ = try Files.readSecret(secret) }
                }
            } catch let error as FileError {
                throw SignerError(.configuration, "keys.\(name): \(error.reason)", hint: error.hint)
            } catch let error as PKIError {
                throw SignerError(.configuration, "keys.\(name).certificates: \(error.reason)", hint: error.hint)
            }
        }
    }
}

extension ListenSettings {
    /// What the listener shows and believes; nil where it speaks in the clear. The private key is read as a secret.
    ///
    /// - Parameter isForOperators: whether everybody must show a certificate.
    func tls(isForOperators: Bool = false) throws -> TLSConfiguration? {
        guard let certificate, let key else { return nil }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
            let privateKey = try NIOSSLPrivateKey(bytes: try Files.readSecret(key), format: .pem)
            var tls = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(privateKey))
            tls.minimumTLSVersion = .tlsv12
            if let clientAuthority {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(clientAuthority))
                // Whoever shows a certificate shows a good one; a caller who shows none has a token.
                tls.certificateVerification = isForOperators ? .noHostnameVerification : .optionalVerification
            }
            _ = try NIOSSLContext(configuration: tls)
            return tls
        } catch let error as FileError {
            throw SignerError(.configuration, error.reason, hint: error.hint)
        } catch {
            throw SignerError(
                .configuration, "the files of a listener's certificate, key or clientAuthority cannot be used",
                hint: "PEM files that the service may read; the key belongs to the first certificate")
        }
    }
}
