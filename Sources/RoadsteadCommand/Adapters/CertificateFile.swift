import Codecs
import Files
package import PKI
import SigningKeys
import TrustModel

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

    /// Certificates in the order of a chain: the key's own that is in force, then each one's issuer. Others are left out.
    static func ordered(_ certificates: [[UInt8]], of key: PublicKey, at now: UTCDate) -> [[UInt8]] {
        let read = certificates.compactMap { try? Certificate(der: $0) }
        let chain = Certificate.chain(of: key, among: read, at: now)
        return read.count == certificates.count && !chain.isEmpty ? chain.map(\.der) : certificates
    }

    /// Refuses certificates whose first is not that of a key.
    static func check(_ certificates: [[UInt8]], areOf key: PublicKey?) throws(CommandError) {
        guard let first = certificates.first else { return }
        let leaf: Certificate
        do throws(PKIError) { leaf = try Certificate(der: first) } catch {
            throw CommandError(.environment, "a certificate cannot be used: \(error.reason)", hint: error.hint)
        }
        guard leaf.publicKey == key else {
            throw CommandError(
                .environment, "the first certificate, of \(leaf.subjectText), is that of another key",
                hint: "the chain begins with the certificate of the key, then its issuers up to the root")
        }
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
