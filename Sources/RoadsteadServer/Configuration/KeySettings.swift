import Files
import RoadsteadPublish
import SigningKeys

/// Where the server makes its own keys, and how it reaches them there. Nobody else ever names a key of the server.
struct KeySettings: Sendable {
    let places: KeyPlaces
    let deadline: Duration
    let token: TokenPlace?
    let vault: VaultPlace?

    struct TokenPlace: Sendable {
        let module: String
        let pinFile: String?
    }

    struct VaultPlace: Sendable {
        let address: String
        let namespace: String?
        let tokenFile: String?
        let roleFile: String?
        let secretFile: String?
    }

    private static let sealed = "sealed"
    private static let reached: Set<KeyScheme> = [.pkcs11, .hashivault]
    private static let types: [(word: String, type: KeyType)] = [
        ("ed25519", .ed25519), ("ec-p256", .ec(.p256)), ("ec-p384", .ec(.p384)), ("rsa-3072", .rsa(bits: 3_072)),
        ("rsa-4096", .rsa(bits: 4_096)),
    ]
    private static let roleKeys: [FleetRole: ConfigurationKey] = [
        .timestamp: .keysTimestamp, .snapshot: .keysSnapshot, .targets: .keysTargets, .deny: .keysDeny,
        .revocation: .keysRevocation, .ops: .keysOps,
    ]

    init(_ reader: inout SettingReader) {
        let common = Self.template(.keysRoles, .roles, &reader)
        var roles: [FleetRole: KeyTemplate] = [:]
        for role in FleetRole.allCases {
            guard let key = Self.roleKeys[role] else { continue }
            roles[role] = reader.text(key) == nil ? common : Self.template(key, .role(role), &reader)
        }
        let word = reader.oneOf(.keysType, Self.types.map(\.word))
        places = KeyPlaces(
            roles: roles, teams: Self.template(.keysTeams, .teams, &reader),
            former: Self.templates(.keysFormerRoles, .roles, &reader)
                + Self.templates(.keysFormerTeams, .teams, &reader),
            type: Self.types.first { $0.word == word }?.type ?? .ec(.p256))
        deadline = .seconds(reader.number(.keysDeadline, 1...30) ?? 10)
        token = Self.token(&reader)
        vault = Self.vault(&reader)
        if places.schemes.contains(.pkcs11), token == nil {
            reader.refuse(.keysModule, "keys are on tokens, and no module reaches them", "an absolute path")
        }
        if places.schemes.contains(.hashivault), vault == nil {
            reader.refuse(
                .keysVaultAddress, "keys are in a Vault, and nothing says where", "such as https://vault:8200")
        }
    }

    private static func template(
        _ key: ConfigurationKey, _ use: KeyTemplate.Use, _ reader: inout SettingReader
    ) -> KeyTemplate? {
        guard let text = reader.text(key), text != sealed else { return nil }
        return template(text, key, use, &reader)
    }

    private static func templates(
        _ key: ConfigurationKey, _ use: KeyTemplate.Use, _ reader: inout SettingReader
    ) -> [KeyTemplate] {
        reader.list(key).compactMap { template($0, key, use, &reader) }
    }

    private static func template(
        _ text: String, _ key: ConfigurationKey, _ use: KeyTemplate.Use, _ reader: inout SettingReader
    ) -> KeyTemplate? {
        do throws(PublishError) {
            let template = try KeyTemplate(text, for: use)
            guard reached.contains(template.scheme) else {
                throw PublishError(.keyName, "this server does not reach keys of the kind \(template.scheme.prefix)")
            }
            return template
        } catch {
            reader.refuse(key, error.reason, error.hint ?? "sealed, or a URI")
            return nil
        }
    }

    private static func token(_ reader: inout SettingReader) -> TokenPlace? {
        let pinFile = reader.directory(.keysPINFile)
        guard let module = reader.directory(.keysModule) else {
            if pinFile != nil { reader.refuse(.keysPINFile, "a PIN without a module", "set keys.pkcs11.module") }
            return nil
        }
        return TokenPlace(module: module, pinFile: pinFile)
    }

    private static func vault(_ reader: inout SettingReader) -> VaultPlace? {
        let place = VaultPlace(
            address: reader.url(.keysVaultAddress) ?? "", namespace: reader.text(.keysVaultNamespace),
            tokenFile: reader.directory(.keysVaultTokenFile), roleFile: reader.directory(.keysVaultRoleFile),
            secretFile: reader.directory(.keysVaultSecretFile))
        let hasRole = place.roleFile != nil
        guard !place.address.isEmpty else {
            if place.tokenFile != nil || hasRole || place.secretFile != nil || place.namespace != nil {
                reader.refuse(.keysVaultAddress, "is missing", "set keys.hashivault.address")
            }
            return nil
        }
        guard hasRole == (place.secretFile != nil), hasRole != (place.tokenFile != nil) else {
            reader.refuse(
                .keysVaultTokenFile, "nothing, or too much, says who the server is to Vault",
                "set keys.hashivault.token-file, or role-id-file and secret-id-file")
            return nil
        }
        return place
    }

    /// Every setting with its effective value; PINs and tokens are files.
    var summary: [(ConfigurationKey, String)] {
        let roles = FleetRole.allCases.compactMap { role in
            Self.roleKeys[role].map { ($0, places.roles[role]?.description ?? Self.sealed) }
        }
        func former(_ use: (KeyTemplate.Use) -> Bool) -> String {
            let texts = places.former.filter { use($0.use) }.map(\.description)
            return texts.isEmpty ? "(none)" : texts.joined(separator: ",")
        }
        return roles + [
            (.keysTeams, places.teams?.description ?? Self.sealed), (.keysFormerRoles, former { $0 != .teams }),
            (.keysFormerTeams, former { $0 == .teams }),
            (.keysType, Self.types.first { $0.type == places.type }?.word ?? ""),
            (.keysDeadline, String(deadline.components.seconds)), (.keysModule, token?.module ?? "(none)"),
            (.keysPINFile, token?.pinFile ?? "(none)"), (.keysVaultAddress, vault?.address ?? "(none)"),
            (.keysVaultNamespace, vault?.namespace ?? "(none)"), (.keysVaultTokenFile, vault?.tokenFile ?? "(none)"),
            (.keysVaultRoleFile, vault?.roleFile ?? "(none)"), (.keysVaultSecretFile, vault?.secretFile ?? "(none)"),
        ]
    }
}
