import Files
package import PKI
import SigningKeys

/// Certificates as they lie in files.
package enum CertificateFile {
    /// PEM blocks of certificates and nothing else, or one certificate in DER.
    package static func certificates(in bytes: [UInt8], file: String) throws -> [Certificate] {
        do throws(PKIError) { return try Certificate.parse(pemOrDER: bytes) } catch {
            throw CommandError(.environment, "\(file) cannot be used: \(error.reason)", hint: error.hint)
        }
    }

    /// A chain as a file, the leaf first.
    package static func chain(_ path: String) throws -> [Certificate] {
        try certificates(in: try Files.read(path, limit: 1 << 20), file: path)
    }

    /// The chain that lies beside a key in its place.
    static func chain(beside key: OpenedKey) throws -> [Certificate] {
        guard !key.certificates.isEmpty else {
            throw CommandError(
                .usage, "no certificates lie beside the key \(key.name)", hint: "give --certificate-chain FILE")
        }
        return try key.certificates.map { der in
            do throws(PKIError) { return try Certificate(der: der) } catch {
                throw CommandError(
                    .environment, "a certificate beside the key \(key.name) cannot be used: \(error.reason)",
                    hint: error.hint)
            }
        }
    }
}
