import Foundation
import NIOSSL
import Subprocess
import Synchronization
import SystemPackage
import Testing

/// A certificate that is its own CA, and its key, made by OpenSSL.
struct CertificateFiles {
    let certificate: String
    let key: String

    init(names: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "outbound-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        (certificate, key) = ("\(folder)/certificate.pem", "\(folder)/key.pem")
        let made = try await Subprocess.run(
            .path("/usr/bin/openssl"),
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                "-subj", "/CN=test", "-addext", "subjectAltName=\(names)", "-keyout", key, "-out", certificate,
            ], output: .discarded, error: .discarded)
        try #require(made.terminationStatus == .exited(0))
    }

    func serverContext() throws -> NIOSSLContext {
        try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))))
    }
}

/// A value that a server's answer learns after the server has started.
final class Held: Sendable {
    private let content: Mutex<String>

    init(_ value: String) { content = Mutex(value) }

    var value: String {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }
}
