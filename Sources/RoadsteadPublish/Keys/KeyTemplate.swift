package import SigningKeys
package import TrustModel

/// How the operator's configuration names the server's keys where they live:
/// `pkcs11:token=ops;object=roadstead-{fleet}-{role}-{n}`.
///
/// Nobody else names one. What is stored of a key's name is believed only where a template gives it.
package struct KeyTemplate: Sendable, Hashable, CustomStringConvertible {
    /// What the keys are for.
    package enum Use: Sendable, Hashable {
        /// Any role of a fleet: `{fleet}`, `{role}` and `{n}`.
        case roles
        /// One role of a fleet: `{fleet}` and `{n}`, with or without `{role}`.
        case role(FleetRole)
        /// Teams: `{team}` and `{n}`.
        case teams

        fileprivate var required: Set<String> {
            switch self {
            case .roles: ["fleet", "role", "n"]
            case .role: ["fleet", "n"]
            case .teams: ["team", "n"]
            }
        }

        fileprivate var allowed: Set<String> { if case .teams = self { required } else { required.union(["role"]) } }
    }

    /// How many keys a purpose can have one after another.
    package static let maximumNumber = 9_999

    private enum Part: Sendable, Hashable {
        case text(String)
        case value(String)
    }

    package let use: Use
    package let description: String
    package let scheme: KeyScheme
    private let parts: [Part]

    /// - Throws: `PublishError(.keyName)` for what names no key, or the same key for two purposes.
    package init(_ text: String, for use: Use) throws(PublishError) {
        self.use = use
        description = text
        parts = try Self.parts(text)
        let named = parts.compactMap { if case .value(let name) = $0 { name } else { nil } }
        guard use.required.isSubset(of: named), use.allowed.isSuperset(of: named), Set(named).count == named.count
        else {
            let words = use.required.sorted().map { "{\($0)}" }.joined(separator: ", ")
            throw PublishError(
                .keyName, "\"\(text.prefix(120))\" does not name each key of its own",
                hint: "it has \(words), each once; {n} counts the keys that serve one after another")
        }
        guard !text.contains("?") else {
            throw PublishError(
                .keyName, "\"\(text.prefix { $0 != "?" })\" has a query",
                hint: "PINs and modules are settings of their own")
        }
        do throws(KeyError) {
            scheme = try KeyName(text).scheme
        } catch {
            throw PublishError(.keyName, error.reason, hint: error.hint)
        }
        try Self.checkPlace(text.dropFirst(scheme.prefix.count), scheme)
    }

    /// A template says which key; where its place is, is said once for all keys.
    private static func checkPlace(_ rest: Substring, _ scheme: KeyScheme) throws(PublishError) {
        switch scheme {
        case .file, .pkcs12:
            guard !rest.hasPrefix("/") || rest.split(separator: "/").contains("..") else { return }
            throw PublishError(
                .keyName, "the path of the server's keys is not absolute and plain",
                hint: "such as \(scheme.prefix)/etc/roadstead/keys/{fleet}-{role}-{n}.pem")
        case .awskms:
            guard !rest.hasPrefix("/alias/") else { return }
            throw PublishError(
                .keyName, "the server's keys in AWS KMS have aliases, and its address is a setting of its own",
                hint: "such as awskms:///alias/roadstead-{fleet}-{role}-{n}")
        case .azurekms, .roadstead:
            guard rest.prefix(while: { $0 != "/" }).contains("{") else { return }
            throw PublishError(
                .keyName, "the host in \(scheme.prefix)\(rest.prefix(80)) is not one host",
                hint: "put {fleet}, {role} and {n} behind the slash")
        case .gcpkms, .hashivault, .pkcs11, .sshAgent: return
        }
    }

    private static func parts(_ text: String) throws(PublishError) -> [Part] {
        var parts: [Part] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else { break }
            if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
            parts.append(.value(String(rest[rest.index(after: open)..<close])))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        for case .text(let piece) in parts where piece.contains("{") || piece.contains("}") {
            throw PublishError(.keyName, "\"\(text.prefix(120))\" has a brace without its pair")
        }
        return parts
    }

    /// The name of a purpose's key with a number; nil where the template is for other purposes.
    ///
    /// - Parameter fleet: what the purpose's fleet is called; nil for a team's key.
    package func name(for purpose: KeyPurpose, in fleet: FleetName?, number: Int) -> KeyName? {
        guard let values = values(purpose, fleet) else { return nil }
        let text = parts.map { part in
            switch part {
            case .text(let text): text
            case .value("n"): String(number)
            case .value(let name): values[name] ?? ""
            }
        }.joined()
        return try? KeyName(text)
    }

    /// Whether a name is one that this template gives a purpose.
    package func gives(_ name: KeyName, for purpose: KeyPurpose, in fleet: FleetName?) -> Bool {
        guard let one = self.name(for: purpose, in: fleet, number: 1) else { return false }
        // Where the number stands is the same in every name; what stands there in this one is tried.
        let length = name.text.utf8.count - one.text.utf8.count + 1
        guard (1...String(Self.maximumNumber).utf8.count).contains(length) else { return false }
        let start = prefixBeforeNumber(purpose, fleet).utf8.count
        let digits = name.text.utf8.dropFirst(start).prefix(length)
        guard let number = Int(String(decoding: digits, as: UTF8.self)), (1...Self.maximumNumber).contains(number)
        else {
            return false
        }
        return self.name(for: purpose, in: fleet, number: number) == name
    }

    private func prefixBeforeNumber(_ purpose: KeyPurpose, _ fleet: FleetName?) -> String {
        let values = values(purpose, fleet) ?? [:]
        return parts.prefix { $0 != .value("n") }.map { part in
            switch part {
            case .text(let text): text
            case .value(let name): values[name] ?? ""
            }
        }.joined()
    }

    private func values(_ purpose: KeyPurpose, _ fleet: FleetName?) -> [String: String]? {
        switch (use, purpose) {
        case (.teams, .team(let team)): return ["team": team.rawValue]
        case (.roles, .fleet(_, let role)):
            return fleet.map { ["fleet": $0.rawValue, "role": role.rawValue] }
        case (.role(let own), .fleet(_, let role)) where own == role:
            return fleet.map { ["fleet": $0.rawValue, "role": role.rawValue] }
        default: return nil
        }
    }
}

/// Where the server's new keys are made, and where those that it has may be.
package struct KeyPlaces: Sendable, Equatable {
    /// For each role of a fleet; none is sealed here.
    package var roles: [FleetRole: KeyTemplate]
    /// For teams in the server's custody; nil is sealed here.
    package var teams: KeyTemplate?
    /// Templates by which no key is made any more, and whose keys still serve until they are replaced.
    package var former: [KeyTemplate]
    /// The type of keys that are made outside of the database.
    package var type: KeyType

    /// Every key is sealed here.
    package static let sealed = KeyPlaces()

    package init(
        roles: [FleetRole: KeyTemplate] = [:], teams: KeyTemplate? = nil, former: [KeyTemplate] = [],
        type: KeyType = .ec(.p256)
    ) {
        self.roles = roles
        self.teams = teams
        self.former = former
        self.type = type
    }

    /// By which a new key for a purpose is named; nil where it is sealed.
    package func template(for purpose: KeyPurpose) -> KeyTemplate? {
        switch purpose {
        case .fleet(_, let role): roles[role]
        case .team: teams
        }
    }

    /// Whether the configuration gives a purpose a key of this name.
    func give(_ name: KeyName, for purpose: KeyPurpose, in fleet: FleetName?) -> Bool {
        ([template(for: purpose)].compactMap { $0 } + former).contains { $0.gives(name, for: purpose, in: fleet) }
    }

    /// The backends that are needed.
    package var schemes: Set<KeyScheme> { newSchemes.union(former.map(\.scheme)) }

    /// The backends by which keys are made.
    package var newSchemes: Set<KeyScheme> { Set((Array(roles.values) + [teams].compactMap { $0 }).map(\.scheme)) }

    /// The templates of one kind, as they are written.
    package func templates(of scheme: KeyScheme) -> [String] {
        Set(
            (Array(roles.values) + [teams].compactMap { $0 } + former).filter { $0.scheme == scheme }.map(\.description)
        )
        .sorted()
    }
}
