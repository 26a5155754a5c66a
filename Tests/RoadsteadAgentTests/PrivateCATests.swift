import FleetFixtures
import Foundation
import NIOSSL
import RoadsteadAgent
import Subprocess
import SystemPackage
import Testing
import TrustModel

/// A server whose certificate no public CA has issued.
@Suite struct PrivateCATests {
    /// A certificate for 127.0.0.1 that is its own CA, and its key, made by OpenSSL.
    private func certificate(_ host: Host, _ name: String) async throws -> (certificate: String, key: String) {
        let (certificate, key) = ("\(host.sandbox)/\(name).crt", "\(host.sandbox)/\(name).key")
        let made = try await Subprocess.run(
            .path("/usr/bin/openssl"),
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
            ], output: .discarded, error: .discarded)
        try #require(made.terminationStatus == .exited(0))
        return (certificate, key)
    }

    private func serving(_ body: (Host, String, _ ca: String) async throws -> Void) async throws {
        let host = try Host()
        try await host.publishFirst()
        let (certificate, key) = try await certificate(host, "server")
        let tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        try await host.server.serving(tls: tls) { address async throws in try await body(host, address, certificate) }
    }

    private func enroll(_ host: Host, _ address: String, _ more: [String]) async throws -> AgentRun {
        let join = try host.fleet.joinString(server: address, token: FleetServer.token).text
        return try await AgentProcess.run(["enroll", "--state", host.statePath, "-"] + more, input: join)
    }

    @Test func `a host that is given the CA enrols and syncs, and remembers it`() async throws {
        try await serving { host, address, ca async throws in
            let run = try await enroll(host, address, ["--ca-file", ca])
            #expect(run.status == 0, "\(run.errors)")
            #expect(try AgentConfiguration.load(host.state).caFile == ca)
            #expect(try await host.sync().status == 0)
            try FileManager.default.removeItem(atPath: ca)
            let without = try await host.sync()
            #expect(without.status == 3)
            #expect(without.errors.contains("the CA file \(ca)"))
            #expect(without.errors.contains("hint: "))
        }
    }

    @Test func `without the CA, or with another one, the server is not believed`() async throws {
        try await serving { host, address, _ async throws in
            let other = try await certificate(host, "other").certificate
            for more in [[], ["--ca-file", other]] {
                let run = try await enroll(host, address, more)
                #expect(run.status == 3)
                #expect(run.errors.contains("cannot reach the server"), "\(run.errors)")
                #expect(host.server.hostCount == 0)
            }
        }
    }
}
