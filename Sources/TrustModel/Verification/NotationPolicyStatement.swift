import Codecs
import OCI

extension NotationPolicy {
    /// Registry scopes and what a signature on their artifacts must satisfy.
    package struct Statement: Sendable {
        package let name: String
        /// `host[:port]/repository`, or `*` alone; none in a statement for blobs.
        package let registryScopes: [String]
        /// Whether it decides about blobs for which no statement is named.
        package let isGlobal: Bool
        package let level: VerificationLevel
        /// Overrides of the level's actions.
        package let overrides: [VerificationCheck: CheckAction]
        package let timestampRequirement: TimestampRequirement
        package let trustStores: [NamedStore]
        package let trustedIdentities: [TrustedIdentity]

        init(_ json: JSON, index: Int, for subject: Subject) throws(TrustModelError) {
            let fields: Fields
            do throws(CodecError) { fields = try Fields(json, "trustPolicies[\(index)]", for: subject) } catch {
                throw TrustModelError(.policy, error.reason)
            }
            guard !fields.name.isEmpty else {
                throw TrustModelError(.policy, "statement \(index + 1) of the trust policy has no name")
            }
            do throws(TrustModelError) { try self.init(fields, for: subject) } catch {
                throw TrustModelError(
                    error.code, "trust policy statement \"\(fields.name.prefix(120))\": \(error.reason)",
                    hint: error.hint)
            }
        }

        private init(_ fields: Fields, for subject: Subject) throws(TrustModelError) {
            name = fields.name
            registryScopes = subject == .images ? try Self.scopes(fields.registryScopes) : []
            isGlobal = fields.isGlobal
            level = try word(fields.level, "verification level")
            overrides = try Self.overrides(fields.overrides, level: level)
            timestampRequirement =
                try fields.verifyTimestamp.map { text throws(TrustModelError) in
                    try word(text, "verifyTimestamp")
                } ?? .always
            trustStores = try fields.trustStores.map { text throws(TrustModelError) in try NamedStore(text) }
            trustedIdentities = try Self.identities(fields.trustedIdentities)
            try checkLevel()
        }

        /// What a failed check means in this statement.
        package func action(for check: VerificationCheck) -> CheckAction {
            overrides[check] ?? level.action(for: check)
        }

        /// Verification that is skipped needs no trust, must not cover everything, and any other needs both.
        private func checkLevel() throws(TrustModelError) {
            guard level == .skip else {
                guard !trustStores.isEmpty, !trustedIdentities.isEmpty else {
                    throw TrustModelError(
                        .policy, "it has no \(trustStores.isEmpty ? "trustStores" : "trustedIdentities")",
                        hint: "name at least one of each, or use the level skip")
                }
                return
            }
            guard trustStores.isEmpty, trustedIdentities.isEmpty else {
                throw TrustModelError(.policy, "it skips verification and yet names trust stores or identities")
            }
            guard !isGlobal else {
                throw TrustModelError(
                    .policy, "it skips verification for every blob", hint: "leave out globalPolicy, and name it instead"
                )
            }
            guard registryScopes != ["*"] else {
                throw TrustModelError(
                    .policy, "it skips verification for every repository",
                    hint: "name the repositories that may go unverified one by one")
            }
        }

        private static func scopes(_ scopes: [String]) throws(TrustModelError) -> [String] {
            guard !scopes.isEmpty else { throw TrustModelError(.policy, "it has no registryScopes") }
            if scopes == ["*"] { return scopes }
            for scope in scopes {
                guard scope != "*" else {
                    throw TrustModelError(.policy, "the scope * stands beside others", hint: "use * alone")
                }
                guard let reference = try? Reference(scope), reference.tag == nil, reference.digest == nil else {
                    throw TrustModelError(
                        .policy, "registry scope \"\(scope.prefix(200))\" is not a registry and a repository",
                        hint: "write host[:port]/repository without scheme, tag, digest or wildcard")
                }
            }
            guard Set(scopes).count == scopes.count else {
                throw TrustModelError(.policy, "a registry scope stands twice in it")
            }
            return scopes
        }

        static func overrides(
            _ overrides: [(String, String)], level: VerificationLevel
        ) throws(TrustModelError) -> [VerificationCheck: CheckAction] {
            guard overrides.isEmpty || level != .skip else {
                throw TrustModelError(.policy, "it skips verification and yet overrides single checks")
            }
            var result: [VerificationCheck: CheckAction] = [:]
            for (name, value) in overrides {
                let check: VerificationCheck = try word(name, "check to override")
                let action: CheckAction = try word(value, "action")
                guard check != .integrity else {
                    throw TrustModelError(.policy, "the check integrity cannot be overridden")
                }
                guard action != .skip || check == .revocation else {
                    throw TrustModelError(
                        .policy, "the check \(check.rawValue) cannot be skipped", hint: "only revocation can; use log")
                }
                result[check] = action
            }
            return result
        }

        static func identities(_ texts: [String]) throws(TrustModelError) -> [TrustedIdentity] {
            let identities = try texts.map { text throws(TrustModelError) in try TrustedIdentity(text) }
            guard identities.count <= 1 || !identities.contains(.any) else {
                throw TrustModelError(.policy, "the trusted identity * stands beside others", hint: "use * alone")
            }
            for (index, identity) in identities.enumerated() {
                for other in identities.dropFirst(index + 1) where overlap(identity, other) {
                    throw TrustModelError(
                        .policy, "two trusted identities overlap, \"\(texts[index])\" and another",
                        hint: "leave out the one that the other covers")
                }
            }
            return identities
        }

        private static func overlap(_ one: TrustedIdentity, _ other: TrustedIdentity) -> Bool {
            guard case .subject(let one) = one, case .subject(let other) = other else { return one == other }
            return one.covers(other) || other.covers(one)
        }
    }

    /// The members of a statement by type, nothing judged yet.
    private struct Fields {
        let name: String
        let registryScopes: [String]
        let isGlobal: Bool
        let level: String
        let overrides: [(String, String)]
        let verifyTimestamp: String?
        let trustStores: [String]
        let trustedIdentities: [String]

        init(_ json: JSON, _ place: String, for subject: Subject) throws(CodecError) {
            let object = try json.object(place)
            name = try object["name"]?.string("\(place).name") ?? ""
            registryScopes = try Self.strings(object, "registryScopes", place)
            isGlobal = subject == .blobs ? try object["globalPolicy"]?.bool("\(place).globalPolicy") ?? false : false
            let verification = try object.object("signatureVerification", in: place)
            let inner = "\(place).signatureVerification"
            level = try verification.string("level", in: inner)
            var overrides: [(String, String)] = []
            if let member = verification["override"], member != .null {
                for (name, value) in try member.object("\(inner).override").members {
                    overrides.append((name, try value.string("\(inner).override.\(name)")))
                }
            }
            self.overrides = overrides
            let requirement = try verification["verifyTimestamp"]?.string("\(inner).verifyTimestamp")
            verifyTimestamp = requirement == "" ? nil : requirement
            trustStores = try Self.strings(object, "trustStores", place)
            trustedIdentities = try Self.strings(object, "trustedIdentities", place)
        }

        private static func strings(
            _ object: JSONObject, _ name: String, _ place: String
        ) throws(CodecError) -> [String] {
            guard let member = object[name], member != .null else { return [] }
            return try member.array("\(place).\(name)").map { value throws(CodecError) in
                try value.string("\(place).\(name)")
            }
        }
    }
}

/// A value of a closed set of words.
func word<Value: RawRepresentable<String> & CaseIterable>(
    _ text: String, _ what: String
) throws(TrustModelError) -> Value {
    guard let value = Value(rawValue: text) else {
        let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
        throw TrustModelError(.policy, "\(what) \"\(text.prefix(60))\" is not known", hint: "one of \(known)")
    }
    return value
}
