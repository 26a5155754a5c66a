import Foundation
import Codecs
import PKI
import SigningKeys
package import SoftHSM

/// A token behind a network, as an HSM is: SoftHSM served by p11-kit, over TLS 1.3 with certificates on both sides.
///
/// Both ends send small messages as they come (nodelay); without that a signature takes a tenth of a second.
package final class RemoteToken {
    /// How a client of the HSM presents itself.
    package enum Client: String, Sendable { case known, rogue, nobody }

    private let directory: URL
    private let softHSM: SoftHSM
    private let port: UInt16
    private var server: Component?
    private var clients: [Client: Component] = [:]

    /// Serves a SoftHSM's token and removes everything afterwards.
    package static func serving<Value>(
        _ softHSM: SoftHSM, _ body: (RemoteToken) async throws -> Value
    ) async throws -> Value {
        let directory = try Machine.directory("remote")
        defer { try? FileManager.default.removeItem(at: directory) }
        let remote = try await RemoteToken(softHSM, in: directory)
        defer { remote.stop() }
        return try await body(remote)
    }

    private init(_ softHSM: SoftHSM, in directory: URL) async throws {
        self.softHSM = softHSM
        self.directory = directory
        port = try Machine.freePorts(1)
        try await Credentials.write(to: directory)
        try startServer()
    }

    /// What a program needs to reach the token as that client.
    package func token(as client: Client = .known) throws -> RunningToken {
        if clients[client] == nil { clients[client] = try startClient(client) }
        return RunningToken(
            module: try Machine.library("pkcs11/p11-kit-client.so"),
            environment: ["P11_KIT_SERVER_ADDRESS": "unix:path=\(socket(client).path)"], pin: SoftHSM.pin,
            uri: "pkcs11:token=roadstead")
    }

    package func startServer() throws {
        let options = "fork,nodelay,reuseaddr,bind=127.0.0.1,openssl-min-proto-version=TLS1.3,verify=1"
        let server = try Component(
            [
                "socat", "OPENSSL-LISTEN:\(port),\(options),cert=\(file("server.pem")),cafile=\(file("ca.pem"))",
                "EXEC:p11-kit remote --provider \(SoftHSM.module) pkcs11\\:token=roadstead",
            ], environment: softHSM.environment, log: directory.appendingPathComponent("server.log"))
        try server.wait(for: "the HSM") { Machine.listens(self.port) }
        self.server = server
    }

    /// Ends the HSM and every connection to it.
    package func stopServer() {
        server?.stop()
        server = nil
    }

    /// The HSM stands still, and its connections stay.
    package func freeze() { server?.signal(SIGSTOP) }

    package func thaw() { server?.signal(SIGCONT) }

    /// Ends the client's connections, and lets it make new ones.
    package func cutLine(_ client: Client = .known) throws {
        clients[client]?.stop()
        clients[client] = try startClient(client)
    }

    /// What the HSM's side said of its connections.
    package var serverLog: String {
        (try? String(contentsOf: directory.appendingPathComponent("server.log"), encoding: .utf8)) ?? ""
    }

    private func startClient(_ client: Client) throws -> Component {
        try? FileManager.default.removeItem(at: socket(client))
        let identity = client == .nobody ? "" : ",cert=\(file("\(client.rawValue).pem"))"
        let proxy = try Component(
            [
                "socat", "UNIX-LISTEN:\(socket(client).path),fork,mode=600",
                "OPENSSL:127.0.0.1:\(port),nodelay,commonname=server,openssl-min-proto-version=TLS1.3,"
                    + "cafile=\(file("ca.pem"))\(identity)",
            ], log: directory.appendingPathComponent("\(client.rawValue).log"))
        try proxy.wait(for: "the line") { FileManager.default.fileExists(atPath: self.socket(client).path) }
        return proxy
    }

    private func socket(_ client: Client) -> URL { directory.appendingPathComponent(client.rawValue) }

    private func file(_ name: String) -> String { directory.appendingPathComponent(name).path }

    private func stop() {
        for client in clients.values { client.stop() }
        server?.stop()
    }
}

/// The certificates of both ends, and one that nobody vouches for.
private enum Credentials {
    static func write(to directory: URL) async throws {
        let authority = try PrivateKey.generate(.ec(.p256))
        let rogue = try PrivateKey.generate(.ec(.p256))
        let root = try await certificate("authority", authority.publicKey, "authority", authority)
        try Data(root.pem.utf8).write(to: directory.appendingPathComponent("ca.pem"))
        for (name, file, issuer, signer) in [
            ("server", "server", "authority", authority), ("client", "known", "authority", authority),
            ("client", "rogue", "client", rogue),
        ] {
            let key = signer.publicKey == rogue.publicKey ? rogue : try PrivateKey.generate(.ec(.p256))
            let leaf = try await certificate(name, key.publicKey, issuer, signer)
            try Data((try key.plaintextPEM + leaf.pem).utf8).write(to: directory.appendingPathComponent("\(file).pem"))
        }
    }

    private static func certificate(
        _ name: String, _ key: PublicKey, _ issuer: String, _ signer: PrivateKey
    ) async throws -> Certificate {
        let now = UTCDate(seconds: Int64(Date().timeIntervalSince1970))
        let template = CertificateTemplate(
            issuer: try DistinguishedName("CN=\(issuer),O=Acme,ST=WA,C=US"),
            subject: try DistinguishedName("CN=\(name),O=Acme,ST=WA,C=US"), notBefore: now.adding(days: -1),
            notAfter: now.adding(days: 1), publicKeyInfo: key.spki,
            extensions: [.basicConstraints(isCA: name == issuer)])
        return try await template.signed(by: signer)
    }
}
