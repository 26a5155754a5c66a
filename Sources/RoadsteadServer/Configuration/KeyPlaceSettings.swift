import SigningKeys

/// One kind of place of the server's own keys: which settings say where it is and who the server is there.
///
/// What is not set here does not exist: no variable of the environment and no file of a home directory decides.
struct KeyPlaceSettings: Sendable {
    enum Form: Sendable {
        case text, url, path
        /// `true`; `false` is as if it were not set.
        case flag
    }

    /// One setting and the name by which the backend knows it.
    struct Setting: Sendable {
        let key: ConfigurationKey
        let form: Form
        let variable: String

        init(_ key: ConfigurationKey, _ form: Form, _ variable: String) {
            self.key = key
            self.form = form
            self.variable = variable
        }
    }

    let title: String
    let schemes: Set<KeyScheme>
    let settings: [Setting]
    var required: [ConfigurationKey] = []
    /// The ways to say who the server is: exactly one is given, and whole.
    var identities: [[ConfigurationKey]] = []
    /// Asked for by some identities only.
    var companions: [ConfigurationKey: [ConfigurationKey]] = [:]

    /// Reads and checks the settings of a place.
    ///
    /// - Returns: what is set; nothing where the place is not configured.
    func read(_ reader: inout SettingReader, isNeeded: Bool) -> [ConfigurationKey: String] {
        var values: [ConfigurationKey: String] = [:]
        for setting in settings { values[setting.key] = Self.value(setting, &reader) }
        guard isNeeded || !values.isEmpty, let first = (required + identities.joined() + settings.map(\.key)).first
        else { return [:] }
        if values.isEmpty {
            reader.refuse(first, "keys are \(title), and nothing says how to reach it", first.summary)
            return [:]
        }
        for key in required where values[key] == nil {
            reader.refuse(key, "is missing, and keys \(title) need it", key.summary)
        }
        checkIdentity(values, &reader)
        return values
    }

    private func checkIdentity(_ values: [ConfigurationKey: String], _ reader: inout SettingReader) {
        guard let first = identities.first?.first else { return }
        let given = identities.filter { $0.contains { values[$0] != nil } }
        guard given.count == 1, let way = given.first, way.allSatisfy({ values[$0] != nil }) else {
            let ways = identities.map { $0.map(\.rawValue).joined(separator: " with ") }.joined(separator: ", or ")
            reader.refuse(first, "nothing, or too much, says who the server is for keys \(title)", "set \(ways)")
            return
        }
        for key in way.flatMap({ companions[$0] ?? [] }) where values[key] == nil {
            reader.refuse(key, "is missing beside \(way[0].rawValue)", key.summary)
        }
    }

    private static func value(_ setting: Setting, _ reader: inout SettingReader) -> String? {
        switch setting.form {
        case .text: reader.text(setting.key)
        case .url: reader.url(setting.key)
        case .path: reader.directory(setting.key)
        case .flag: reader.oneOf(setting.key, ["true", "false"]).flatMap { $0 == "true" ? $0 : nil }
        }
    }

    /// Every kind of place.
    static let all = [tokens, vault, aws, azure, google, agent, signer, files]

    private static let tokens = KeyPlaceSettings(
        title: "on tokens", schemes: [.pkcs11],
        settings: [.init(.keysModule, .path, KeyVariable.module), .init(.keysPINFile, .path, KeyVariable.pinFile)],
        required: [.keysModule])

    private static let vault = KeyPlaceSettings(
        title: "in a Vault", schemes: [.hashivault],
        settings: [
            .init(.keysVaultAddress, .url, "VAULT_ADDR"), .init(.keysVaultNamespace, .text, "VAULT_NAMESPACE"),
            .init(.keysVaultTokenFile, .path, "VAULT_TOKEN_FILE"),
            .init(.keysVaultRoleFile, .path, "VAULT_ROLE_ID_FILE"),
            .init(.keysVaultSecretFile, .path, "VAULT_SECRET_ID_FILE"),
        ], required: [.keysVaultAddress],
        identities: [[.keysVaultTokenFile], [.keysVaultRoleFile, .keysVaultSecretFile]])

    private static let aws = KeyPlaceSettings(
        title: "in AWS KMS", schemes: [.awskms],
        settings: [
            .init(.keysAWSRegion, .text, "AWS_REGION"), .init(.keysAWSEndpoint, .url, "AWS_ENDPOINT_URL_KMS"),
            .init(.keysAWSCredentialsFile, .path, "AWS_SHARED_CREDENTIALS_FILE"),
            .init(.keysAWSRole, .text, "AWS_ROLE_ARN"),
            .init(.keysAWSTokenFile, .path, "AWS_WEB_IDENTITY_TOKEN_FILE"),
            .init(.keysAWSTokenService, .url, "AWS_ENDPOINT_URL_STS"),
            .init(.keysAWSInstance, .flag, KeyVariable.instance),
        ], required: [.keysAWSRegion],
        identities: [[.keysAWSCredentialsFile], [.keysAWSRole, .keysAWSTokenFile], [.keysAWSInstance]])

    private static let azure = KeyPlaceSettings(
        title: "in Azure Key Vault", schemes: [.azurekms],
        settings: [
            .init(.keysAzureTenant, .text, "AZURE_TENANT_ID"), .init(.keysAzureClient, .text, "AZURE_CLIENT_ID"),
            .init(.keysAzureSecretFile, .path, "AZURE_CLIENT_SECRET_FILE"),
            .init(.keysAzureTokenFile, .path, "AZURE_FEDERATED_TOKEN_FILE"),
            .init(.keysAzureAuthority, .url, "AZURE_AUTHORITY_HOST"),
            .init(.keysAzureInstance, .flag, KeyVariable.instance),
        ], identities: [[.keysAzureSecretFile], [.keysAzureTokenFile], [.keysAzureInstance]],
        companions: [
            .keysAzureSecretFile: [.keysAzureTenant, .keysAzureClient],
            .keysAzureTokenFile: [.keysAzureTenant, .keysAzureClient],
        ])

    private static let google = KeyPlaceSettings(
        title: "in Google Cloud KMS", schemes: [.gcpkms],
        settings: [
            .init(.keysGoogleCredentialsFile, .path, "GOOGLE_APPLICATION_CREDENTIALS"),
            .init(.keysGoogleEndpoint, .url, "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"),
            .init(.keysGoogleInstance, .flag, KeyVariable.instance),
        ], identities: [[.keysGoogleCredentialsFile], [.keysGoogleInstance]])

    private static let agent = KeyPlaceSettings(
        title: "in an SSH agent", schemes: [.sshAgent],
        settings: [.init(.keysAgentSocket, .path, "SSH_AUTH_SOCK")], required: [.keysAgentSocket])

    private static let signer = KeyPlaceSettings(
        title: "in a signing service", schemes: [.roadstead],
        settings: [
            .init(.keysSignerTokenFile, .path, "ROADSTEAD_SIGNER_TOKEN_FILE"),
            .init(.keysSignerCertificate, .path, "ROADSTEAD_SIGNER_CERTIFICATE"),
            .init(.keysSignerKey, .path, "ROADSTEAD_SIGNER_KEY"),
            .init(.keysSignerAuthority, .path, "ROADSTEAD_SIGNER_CA"),
            .init(.keysSignerPlain, .flag, KeyVariable.plain),
        ], identities: [[.keysSignerTokenFile], [.keysSignerCertificate, .keysSignerKey]])

    private static let files = KeyPlaceSettings(
        title: "in files", schemes: [.file, .pkcs12],
        settings: [.init(.keysPassphraseFile, .path, KeyVariable.passphraseFile)], required: [.keysPassphraseFile])
}

/// Names of what no service has a name for.
enum KeyVariable {
    static let module = "MODULE"
    static let pinFile = "PIN_FILE"
    static let passphraseFile = "PASSPHRASE_FILE"
    /// Whether the machine's own identity may be asked for.
    static let instance = "INSTANCE_IDENTITY"
    static let plain = "PLAIN_LOOPBACK"
}
