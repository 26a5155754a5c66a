import Files
import RoadsteadPublish
import SigningKeys
import Testing

@testable import RoadsteadServer

@Suite struct Configuration {
    private func file(_ text: String) throws -> ConfigurationFile {
        try withScratch { folder in
            try Files.write(Array(text.utf8), to: folder + "/server.yaml")
            return try ConfigurationFile(path: folder + "/server.yaml")
        }
    }

    @Test func `flags win over the environment, that over the file, that over the defaults`() throws {
        let file = try file("listen:\n  host: 127.0.0.3\n  port: 3\ndatabase:\n  name: from-file\n")
        let configuration = try ServerConfiguration(
            ConfigurationSources(
                flags: [.listenHost: "127.0.0.1"],
                environment: ["ROADSTEAD_LISTEN_HOST": "127.0.0.2", "ROADSTEAD_LISTEN_PORT": "2"], file: file))
        #expect(configuration.listenHost == "127.0.0.1")
        #expect(configuration.listenPort == 2)
        #expect(configuration.database.name == "from-file")
        #expect(configuration.database.port == 5_432)
    }

    @Test func `all problems are told at once`() throws {
        let file = try file("listen:\n  port: abc\ncolour: red\n")
        let problems = try #require(throws: ConfigurationProblems.self) {
            try ServerConfiguration(
                ConfigurationSources(flags: [.databaseTLS: "maybe", .tlsKey: "/k"], environment: [:], file: file))
        }
        let text = problems.description
        #expect(problems.problems.count == 4)
        #expect(text.contains("\"colour\"") && text.contains("listen.port: is \"abc\""))
        #expect(text.contains("database.tls") && text.contains("tls.certificate"))
    }

    @Test func `off loopback plain HTTP is refused unless a trusted proxy is named`() throws {
        let problems = try #require(throws: ConfigurationProblems.self) {
            try ServerConfiguration(ConfigurationSources(flags: [.listenHost: "0.0.0.0"]))
        }
        #expect(problems.description.contains("--trusted-proxy"))
        let behind = try ServerConfiguration(
            ConfigurationSources(flags: [.listenHost: "0.0.0.0", .trustedProxy: "10.0.0.1, 10.0.0.2"]))
        #expect(behind.trustedProxies == ["10.0.0.1", "10.0.0.2"])
        let encrypted = try ServerConfiguration(
            ConfigurationSources(flags: [.listenHost: "0.0.0.0", .tlsCertificate: "/c", .tlsKey: "/k"]))
        #expect(encrypted.publicAddress(port: 443) == "https://0.0.0.0:443")
    }

    @Test func `one template names the keys of every role, and a role has its own where it says so`() throws {
        let file = try file(
            """
            keys:
              roles:
                default: hashivault://transit/{fleet}-{role}-{n}
                timestamp: sealed
                deny: pkcs11:token=ops;object={fleet}-{n}
              teams: hashivault://transit/team-{team}-{n}
              type: ec-p384
              deadline-seconds: 5
              pkcs11:
                module: /usr/lib/softhsm/libsofthsm2.so
                pin-file: /etc/roadstead/pin
              hashivault:
                address: https://vault.example.com:8200
                token-file: /etc/roadstead/vault-token
            """)
        let keys = try ServerConfiguration(ConfigurationSources(file: file)).keys
        #expect(keys.places.roles[.timestamp] == nil && keys.places.roles.count == 5)
        #expect(keys.places.roles[.deny]?.scheme == .pkcs11 && keys.places.teams?.scheme == .hashivault)
        #expect(keys.places.type == .ec(.p384) && keys.deadline == .seconds(5))
        let summary = Dictionary(uniqueKeysWithValues: keys.summary.map { ($0.0, $0.1) })
        #expect(summary[.keysTimestamp] == "sealed" && summary[.keysVaultTokenFile] == "/etc/roadstead/vault-token")
    }

    @Test(
        arguments: [
            ([.keysRoles: "hashivault://transit/{fleet}-{role}"], "keys.roles.default"),
            ([.keysRoles: "file:/etc/keys/{fleet}-{role}-{n}"], "keys.file.passphrase.file"),
            ([.keysRoles: "file:keys/{fleet}-{role}-{n}"], "keys.roles.default"),
            ([.keysRoles: "file:/etc/keys/../{fleet}-{role}-{n}"], "keys.roles.default"),
            ([.keysRoles: "awskms://kms.example/alias/{fleet}-{role}-{n}"], "keys.roles.default"),
            ([.keysRoles: "awskms:///alias/{fleet}-{role}-{n}"], "keys.awskms.region"),
            ([.keysRoles: "azurekms://{fleet}/{role}-{n}"], "keys.roles.default"),
            ([.keysRoles: "azurekms://vault/{fleet}-{role}-{n}"], "keys.azurekms.client.secret.file"),
            ([.keysRoles: "roadstead://{fleet}.example/{role}-{n}"], "keys.roles.default"),
            ([.keysRoles: "roadstead://signer.example/{fleet}-{role}-{n}"], "keys.roadstead.token.file"),
            ([.keysRoles: "ssh-agent:{fleet}-{role}-{n}"], "keys.ssh.agent.socket"),
            ([.keysAWSRegion: "eu-central-1"], "keys.awskms.credentials.file"),
            ([.keysAWSRegion: "eu-central-1", .keysAWSRole: "arn:aws:iam::1:role/r"], "keys.awskms.credentials.file"),
            (
                [.keysAWSRegion: "eu-central-1", .keysAWSCredentialsFile: "/c", .keysAWSInstance: "true"],
                "keys.awskms.credentials.file"
            ), ([.keysAzureSecretFile: "/s"], "keys.azurekms.tenant"),
            ([.keysAzureTenant: "t", .keysAzureClient: "c"], "keys.azurekms.client.secret.file"),
            ([.keysGoogleInstance: "yes"], "keys.gcpkms.instance.identity"),
            ([.keysGoogleEndpoint: "https://kms"], "keys.gcpkms.credentials.file"),
            ([.keysSignerCertificate: "/c"], "keys.roadstead.token.file"),
            (
                [
                    .keysRoles: "awskms:///alias/{fleet}-{role}-{n}", .keysAWSRegion: "eu-central-1",
                    .keysAWSInstance: "true", .keysType: "ed25519",
                ], "keys.type"
            ),
            ([.keysTeams: "hashivault://transit/{team}-{n}"], "keys.hashivault.address"),
            ([.keysOps: "pkcs11:object={fleet}-{n}"], "keys.pkcs11.module"),
            ([.keysModule: "softhsm.so"], "keys.pkcs11.module"), ([.keysPINFile: "/pin"], "keys.pkcs11.module"),
            ([.keysType: "ec-p521"], "keys.type"), ([.keysDeadline: "3600"], "keys.deadline.seconds"),
            ([.keysVaultAddress: "https://vault"], "keys.hashivault.token.file"),
            ([.keysVaultAddress: "https://vault", .keysVaultRoleFile: "/role"], "keys.hashivault.token.file"),
            ([.keysFormerTeams: "hashivault://transit/{team}"], "keys.former.teams"),
        ] as [([ConfigurationKey: String], String)])
    func `keys that could not be named or reached are refused`(flags: [ConfigurationKey: String], key: String) throws {
        let problems = try #require(throws: ConfigurationProblems.self) {
            try ServerConfiguration(ConfigurationSources(flags: flags))
        }
        #expect(problems.problems.contains { $0.reason.hasPrefix(key) }, "\(problems)")
    }

    @Test func `client certificates and a trusted proxy do not go together`() throws {
        var flags: [ConfigurationKey: String] = [.tlsCertificate: "/c", .tlsKey: "/k", .tlsClientAuthority: "/ca"]
        _ = try ServerConfiguration(ConfigurationSources(flags: flags))
        flags[.trustedProxy] = "10.0.0.1"
        let problems = try #require(throws: ConfigurationProblems.self) {
            try ServerConfiguration(ConfigurationSources(flags: flags))
        }
        #expect(problems.description.contains("client certificates and a trusted proxy"))
    }

    @Test func `a database elsewhere is never spoken to in the clear`() throws {
        #expect(throws: ConfigurationProblems.self) {
            try ServerConfiguration(
                ConfigurationSources(flags: [.databaseHost: "db.example.com", .databaseTLS: "disable"]))
        }
        let remote = try ServerConfiguration(ConfigurationSources(flags: [.databaseHost: "db.example.com"]))
        #expect(remote.database.tls == "verify-full")
    }

    @Test func `JSON and YAML say the same`() throws {
        let yaml = try file(
            "# comment\nlisten:\n  port: 80 # why\ntrusted:\n  proxy:\n  - 10.0.0.1\n  - \"10.0.0.2\"\nlog:\n  level: 'debug'\n"
        )
        let json = try file(
            #"{"listen": {"port": 80}, "trusted": {"proxy": ["10.0.0.1", "10.0.0.2"]}, "log": {"level": "debug"}}"#)
        #expect(yaml.values.map(\.key) == json.values.map(\.key))
        #expect(yaml.values.map(\.value) == json.values.map(\.value))
    }

    @Test(arguments: [
        "a: [1, 2]", "a: {b: c}", "a: &x 1", "a: *x", "a: !!int 1", "a: |\n  text", "\ta: 1", "a:1", "- a",
        "--- \na: 1",
        "a: \"x\\n\"", "a: \"open", "just words",
    ])
    func `YAML that surprises is refused with its line`(text: String) throws {
        let error = try #require(throws: ServerError.self) { try file(text) }
        #expect(error.code == .configuration)
        #expect(error.reason.contains("line "))
    }
}

/// Runs the closure with a directory of its own.
func withScratch<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = "/tmp/roadstead-server-tests.\(UInt64.random(in: 0 ... .max))"
    try Files.createDirectory(folder, mode: 0o700)
    defer { try? Files.removeTree(folder) }
    return try body(folder)
}

func withScratch<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = "/tmp/roadstead-server-tests.\(UInt64.random(in: 0 ... .max))"
    try Files.createDirectory(folder, mode: 0o700)
    defer { try? Files.removeTree(folder) }
    return try await body(folder)
}
