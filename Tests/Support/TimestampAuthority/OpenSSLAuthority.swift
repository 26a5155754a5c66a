package import Foundation
import PKI
import SigningKeys
import TestVectors

/// `openssl ts` with an authority's key, for answers that somebody else has made.
package struct OpenSSLAuthority: Sendable {
    private let folder: URL

    /// - Parameter options: lines for the authority's section, in the place of the usual ones.
    package init(_ authority: TimestampAuthority, in folder: URL, options: [String: String] = [:]) throws {
        self.folder = folder
        var settings = [
            "serial": "\(folder.path)/serial", "signer_cert": "\(folder.path)/tsa.crt",
            "certs": "\(folder.path)/chain.crt", "signer_key": "\(folder.path)/tsa.key", "signer_digest": "sha256",
            "default_policy": "1.3.6.1.4.1.99999.1", "other_policies": "1.3.6.1.4.1.99999.2",
            "digests": "sha256, sha384, sha512", "accuracy": "secs:1, millisecs:500", "clock_precision_digits": "3",
            "ordering": "yes", "tsa_name": "yes", "ess_cert_id_alg": "sha256",
        ]
        settings.merge(options) { $1 }
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
        try write("ts.cnf", "[tsa]\ndefault_tsa = unit\n[unit]\n" + lines.joined(separator: "\n") + "\n")
        try write("serial", "01\n")
        try write("tsa.crt", authority.certificate.pem)
        try write("chain.crt", authority.root.pem)
        try write("tsa.key", try authority.key.plaintextPEM)
    }

    /// What it answers to a request.
    package func answer(to request: [UInt8]) throws -> [UInt8] {
        let (query, reply) = (folder.path + "/query-\(UUID().uuidString)", folder.path + "/reply-\(UUID().uuidString)")
        try Data(request).write(to: URL(fileURLWithPath: query))
        _ = try TestVectors.run(
            "/usr/bin/openssl",
            ["ts", "-reply", "-config", folder.path + "/ts.cnf", "-queryfile", query, "-out", reply])
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: reply)))
    }

    private func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
}
