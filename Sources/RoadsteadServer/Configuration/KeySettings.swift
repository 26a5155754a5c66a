import RoadsteadPublish
import SigningKeys

/// Where the server makes its own keys, and how it reaches them there. Nobody else ever names a key of the server.
struct KeySettings: Sendable {
    let places: KeyPlaces
    let deadline: Duration
    /// What each kind of place is told, under the names that its backend knows; empty where it is not configured.
    var variables: [KeyScheme: [String: String]] = [:]
    private var values: [ConfigurationKey: String] = [:]

    private static let sealed = "sealed"
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
        for place in KeyPlaceSettings.all {
            let found = place.read(&reader, isNeeded: !places.schemes.isDisjoint(with: place.schemes))
            values.merge(found) { $1 }
            let named = place.settings.compactMap { setting in found[setting.key].map { (setting.variable, $0) } }
            for scheme in place.schemes { variables[scheme] = Dictionary(uniqueKeysWithValues: named) }
        }
        checkType(&reader)
    }

    /// Metadata is longer than what AWS signs with Ed25519, and Azure has no such keys.
    private func checkType(_ reader: inout SettingReader) {
        guard places.type == .ed25519 else { return }
        for scheme in [KeyScheme.awskms, .azurekms] where places.newSchemes.contains(scheme) {
            reader.refuse(
                .keysType, "no metadata is signed with Ed25519 in the place of \(scheme.prefix) keys",
                "ec-p256, ec-p384, rsa-3072 or rsa-4096")
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
            return try KeyTemplate(text, for: use)
        } catch {
            reader.refuse(key, error.reason, error.hint ?? "sealed, or a URI")
            return nil
        }
    }

    /// Every setting with its effective value; PINs, tokens and other secrets are files.
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
            (.keysDeadline, String(deadline.components.seconds)),
        ] + KeyPlaceSettings.all.flatMap(\.settings).map { ($0.key, values[$0.key] ?? "(none)") }
    }
}
