import Codecs
import Files
import Foundation
import KeyServices
import PythonEnvironment
import SigningKeys
import TestAgent
import Testing

@testable import RoadsteadServer

/// A place where the keys of a server's fleets live in a test, and the settings that lead there.
struct KeyHome: Sendable {
    var settings: [ConfigurationKey: String]
    /// Makes keys that no server makes, by the names that templates give them.
    var make: @Sendable ([String]) async throws -> Void = { _ in }
    var breakDown: @Sendable () async throws -> Void = {}
    var mend: @Sendable () async throws -> Void = {}

    static let roles = ["timestamp", "snapshot", "targets", "deny", "revocation", "ops"]

    /// The names of the keys of fleet `demo`, as many times as they are rotated.
    static func names(_ count: Int) -> [String] { roles.flatMap { role in (1...count).map { "demo-\(role)-\($0)" } } }
}

/// What runs a kind of place for the length of a body.
struct KeyHomeKind: CustomTestStringConvertible, Sendable {
    typealias Body = @Sendable (KeyHome) async throws -> Void

    let testDescription: String
    /// What the keys there are, by their type's own name.
    let type: KeyType
    /// Runs the body, unless what it takes cannot be installed, which is said aloud.
    let with: @Sendable (Body) async throws -> Void

    init(_ description: String, _ type: KeyType = .ec(.p256), _ with: @escaping @Sendable (Body) async throws -> Void) {
        testDescription = description
        self.type = type
        self.with = with
    }

    static let all = [aws, azure, google, vault, signer, agent, file, pkcs12]

    static let aws = KeyHomeKind("awskms, an access key", .ec(.p384)) { body in
        guard let aws = try await MiniStack.start() else { return }
        try await body(
            KeyHome(
                settings: [
                    .keysRoles: "awskms:///alias/roadstead-{fleet}-{role}-{n}", .keysAWSRegion: MiniStack.region,
                    .keysAWSEndpoint: aws.endpoint, .keysAWSCredentialsFile: try aws.credentialsFile(),
                    .keysType: "ec-p384",
                ], breakDown: { try aws.pause() }, mend: { try aws.resume() }))
        withExtendedLifetime(aws) {}
    }

    static let azure = KeyHomeKind("azurekms, an application") { body in
        guard let clouds = try await Clouds.start() else { return }
        try await body(KeyHome(settings: try clouds.azureSettings()))
        withExtendedLifetime(clouds) {}
    }

    static let google = KeyHomeKind("gcpkms, a service account") { body in
        guard let clouds = try await Clouds.start() else { return }
        let settings = clouds.googleSettings.merging([
            .keysGoogleCredentialsFile: clouds.googleEnvironment["GOOGLE_APPLICATION_CREDENTIALS"] ?? ""
        ]) { $1 }
        // The first are there, the server makes the others.
        try await body(KeyHome(settings: settings) { try clouds.nameKeys($0.filter { $0.hasSuffix("-1") }) })
        withExtendedLifetime(clouds) {}
    }

    static let vault = KeyHomeKind("hashivault, AppRole") { body in
        guard let bao = try await OpenBao.shared() else { return }
        let mount = "t-\(UInt32.random(in: 0 ... .max))"
        try bao.run("secrets", "enable", "-path=\(mount)", "transit")
        let policy = try bao.makePolicy(
            """
            path "\(mount)/keys/*" { capabilities = ["create", "read", "update"] }
            path "\(mount)/sign/*" { capabilities = ["update"] }
            """)
        try bao.run("write", "auth/approle/role/\(mount)", "token_policies=\(policy)", "token_ttl=20m")
        let role = try bao.run("read", "-field=role_id", "auth/approle/role/\(mount)/role-id")
        let secret = try bao.run("write", "-f", "-field=secret_id", "auth/approle/role/\(mount)/secret-id")
        try await body(
            KeyHome(settings: [
                .keysRoles: "hashivault://\(mount)/{fleet}-{role}-{n}", .keysVaultAddress: bao.endpoint,
                .keysVaultRoleFile: try bao.secretFile(role), .keysVaultSecretFile: try bao.secretFile(secret),
            ]))
    }

    static let signer = KeyHomeKind("roadstead, raw keys of a signing service") { body in
        let signer = try RawSigner()
        try await body(
            KeyHome(
                settings: [
                    .keysRoles: "roadstead://127.0.0.1:\(signer.port)/{fleet}-{role}-{n}",
                    .keysSignerTokenFile: signer.tokenFile, .keysSignerPlain: "true",
                ], make: { try await signer.start(with: $0) }, breakDown: { signer.stop() },
                mend: { try await signer.start() }))
        signer.stop()
    }

    static let agent = KeyHomeKind("ssh-agent", .ed25519) { body in
        try await RealAgent.with { agent in
            try await body(
                KeyHome(
                    settings: [.keysRoles: "ssh-agent:{fleet}-{role}-{n}", .keysAgentSocket: agent.socket],
                    make: { for name in $0 { try agent.add("ed25519", comment: name) } }))
        }
    }

    static let file = KeyHomeKind("file, under a passphrase") { body in
        try await inDirectory { directory in
            try await body(
                KeyHome(settings: [
                    .keysRoles: "file:\(directory)/{fleet}-{role}-{n}.pem",
                    .keysPassphraseFile: "\(directory)/passphrase",
                ]))
        }
    }

    static let pkcs12 = KeyHomeKind("pkcs12, as openssl makes it") { body in
        try await inDirectory { directory in
            try await body(
                KeyHome(
                    settings: [
                        .keysRoles: "pkcs12:\(directory)/{fleet}-{role}-{n}.p12",
                        .keysPassphraseFile: "\(directory)/passphrase",
                    ], make: { for name in $0 { try makeBundle("\(directory)/\(name)") } }))
        }
    }

    /// A private directory with a passphrase.
    private static func inDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = "/tmp/roadstead-key-homes.\(UInt64.random(in: 0 ... .max))"
        try Files.createDirectory(directory, mode: 0o700)
        defer { try? Files.removeTree(directory) }
        try Files.write(Array("correct horse battery\n".utf8), to: directory + "/passphrase", mode: 0o600)
        try await body(directory)
    }

    private static func makeBundle(_ path: String) throws {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
            "-c",
            """
            set -e; umask 077
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=key -days 2 \
                -keyout "$1.key" -out "$1.crt" 2>/dev/null
            openssl pkcs12 -export -inkey "$1.key" -in "$1.crt" -out "$1.p12" -passout "file:$(dirname "$1")/passphrase"
            rm "$1.key" "$1.crt"
            """, "sh", path,
        ]
        try shell.run()
        shell.waitUntilExit()
        guard shell.terminationStatus == 0 else { throw RawSigner.Failure(description: "openssl made no \(path)") }
    }
}

extension MiniStack {
    /// The access key of a user who may do with keys what a server does.
    func credentialsFile() throws -> String {
        let user = try makeUser(actions: ["kms:*"])
        return try secretFile(
            "[default]\naws_access_key_id = \(user.id)\naws_secret_access_key = \(user.secret)\n")
    }
}

extension MiniStack {
    /// A role for a token of a build system or cluster, and that token's file.
    func makeWebIdentity() throws -> (role: String, tokenFile: String) {
        let role = "role-\(UUID().uuidString)"
        let provider = "arn:aws:iam::000000000000:oidc-provider/token.example"
        let statement: JSON = [
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": ["Federated": .string(provider)],
        ]
        let trust: JSON = ["Version": "2012-10-17", "Statement": [statement]]
        try call("iam", "create_role", ["RoleName": .string(role), "AssumeRolePolicyDocument": .string(trust.text)])
        try call(
            "iam", "put_role_policy",
            ["RoleName": .string(role), "PolicyName": "p", "PolicyDocument": .string(Self.policy(["kms:*"]))])
        let claims: JSON = ["iss": "https://token.example", "sub": "server", "aud": "sts.amazonaws.com"]
        let parts = ["{}", claims.text].map { Base64.encode(Array($0.utf8), .url) }
        return (
            "arn:aws:iam::000000000000:role/\(role)", try secretFile(parts.joined(separator: ".") + ".c2ln")
        )
    }
}

extension Clouds {
    func azureSettings() throws -> [ConfigurationKey: String] {
        let known = azureEnvironment
        return [
            .keysRoles: azureURI("{fleet}-{role}-{n}"), .keysAzureTenant: known["AZURE_TENANT_ID"] ?? "",
            .keysAzureClient: known["AZURE_CLIENT_ID"] ?? "", .keysAzureAuthority: http,
            .keysAzureSecretFile: try secretFile(clientSecret),
        ]
    }

    /// The account's key file names its own token service, which is on loopback here.
    var googleSettings: [ConfigurationKey: String] {
        [
            .keysRoles: googleURI("{fleet}-{role}-{n}"), .keysGoogleEndpoint: http, .outboundAllow: http,
        ]
    }

    func nameKeys(_ names: [String]) throws {
        for name in names { try control("name", [("name", .string(name)), ("kind", "ec-p256")]) }
    }
}

/// A real `roadstead-signer` with raw keys for a server, which can go away and come back.
final class RawSigner: @unchecked Sendable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    let port: Int
    let directory: String
    var tokenFile: String { directory + "/token" }
    private var names: [String] = []
    private var process: ServerProcess?

    init() throws {
        port = try ServerProcess.freePort()
        directory = "/tmp/roadstead-raw-signer.\(UInt64.random(in: 0 ... .max))"
        try Files.createDirectory(directory, mode: 0o700)
        try Files.write(Array("a token of a test, long enough\n".utf8), to: directory + "/token", mode: 0o600)
    }

    deinit {
        process?.stop()
        try? Files.removeTree(directory)
    }

    func start(with names: [String]) async throws {
        self.names = names
        for name in names {
            let pem = try PrivateKey.generate(.ec(.p256)).plaintextPEM
            try Files.write(Array(pem.utf8), to: "\(directory)/\(name).key", mode: 0o600)
        }
        try await start()
    }

    func start() async throws {
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: Array("a token of a test, long enough".utf8)))
        let keys = names.map { name -> (String, JSON) in
            let key: JSON = [
                "uri": .string("file:\(name).key"), "usage": "raw", "formats": ["tuf"], "callers": ["server"],
                "allowPlaintextKey": true,
                "criteria": ["unrestricted": true],
            ]
            return (name, key)
        }
        let configuration: JSON = [
            "listen": ["host": "127.0.0.1", "port": .integer(Int64(port))], "log": "decisions.jsonl",
            "policy": ["plaintextKeys": true], "callers": ["server": ["tokenSHA256": .string(digest)]],
            "keys": .object(JSONObject(keys)),
        ]
        try Files.write(configuration.bytes, to: directory + "/signer.json", mode: 0o600)
        let program = Bundle.main.bundlePath + "/roadstead-signer"
        let started = try ServerProcess(
            [program, "serve", "--config", directory + "/signer.json"], in: try ServerProcess.directory("signer"))
        process = started
        let address = "http://127.0.0.1:\(port)/readyz"
        try await started.waitUntil("roadstead-signer") {
            try PythonEnvironment.start("/usr/bin/curl", ["-sS", address]).output.contains(#""status":"ready""#)
        }
    }

    func stop() {
        process?.stop()
        process = nil
    }
}
