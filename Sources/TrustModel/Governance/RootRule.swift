import Codecs

/// How many people must agree, how many of them as security officers, and how many from outside the team that asks.
package struct ApprovalsNeeded: Sendable, Hashable, Codable, CustomStringConvertible {
    package let count: Int
    package let securityOfficers: Int
    /// Approvers who hold no role that is bound to the team that asked.
    package let outsiders: Int

    package static let countRange = 1...10

    /// - Throws: `TrustModelError(.policy)` for zero approvals: nothing that adds trust goes without a second person.
    package init(count: Int, securityOfficers: Int = 0, outsiders: Int = 0) throws(TrustModelError) {
        guard Self.countRange.contains(count), (0...count).contains(securityOfficers), (0...count).contains(outsiders)
        else {
            throw TrustModelError(
                .policy,
                "\(count) approvals, \(securityOfficers) of them by security officers and \(outsiders) from outside "
                    + "the team, cannot be asked for",
                hint: "1 to 10 approvals, and no more security officers or outsiders than that")
        }
        self.count = count
        self.securityOfficers = securityOfficers
        self.outsiders = outsiders
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            count: try container.decode(Int.self, forKey: .count),
            securityOfficers: try container.decodeIfPresent(Int.self, forKey: .securityOfficers) ?? 0,
            outsiders: try container.decodeIfPresent(Int.self, forKey: .outsiders) ?? 0)
    }

    /// Without outsiders it reads as it always did.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(count, forKey: .count)
        try container.encode(securityOfficers, forKey: .securityOfficers)
        if outsiders > 0 { try container.encode(outsiders, forKey: .outsiders) }
    }

    private enum CodingKeys: String, CodingKey { case count, securityOfficers, outsiders }

    private init(atLeastOne count: Int, securityOfficers: Int, outsiders: Int) {
        self.count = max(1, count)
        self.securityOfficers = securityOfficers
        self.outsiders = outsiders
    }

    package static let one = ApprovalsNeeded(atLeastOne: 1, securityOfficers: 0, outsiders: 0)
    /// Two people, one of them from outside the team that asks.
    package static let twoWithAnOutsider = ApprovalsNeeded(atLeastOne: 2, securityOfficers: 0, outsiders: 1)

    /// What satisfies both.
    package func union(_ other: ApprovalsNeeded) -> ApprovalsNeeded {
        ApprovalsNeeded(
            atLeastOne: max(count, other.count), securityOfficers: max(securityOfficers, other.securityOfficers),
            outsiders: max(outsiders, other.outsiders))
    }

    package var description: String {
        let approvals = count == 1 ? "1 approval" : "\(count) approvals"
        let officers = securityOfficers == 1 ? "1 security officer" : "\(securityOfficers) security officers"
        let kinds =
            (securityOfficers > 0 ? [officers] : [])
            + (outsiders > 0 ? ["\(outsiders) from outside the team"] : [])
        return kinds.isEmpty ? approvals : "\(approvals) (\(kinds.joined(separator: ", ")))"
    }
}

/// Which certificates may become anchors of whom, and with how many approvals. What no rule allows is refused.
package struct RootRule: Sendable, Codable, Hashable {
    /// What a certificate must satisfy; a condition that is absent holds for all.
    package struct Conditions: Sendable, Codable, Hashable {
        package var origins: [AnchorOrigin]?
        package var purposes: [TrustStoreKind]?
        /// SHA-256 of certificates, lower-case hexadecimal.
        package var certificates: [String]?
        /// SHA-256 of public keys, lower-case hexadecimal.
        package var keys: [String]?
        /// Attributes that the subject must all have, such as O and Acme.
        package var subject: [AnchorFacts.Attribute]?
        /// Such as `rsa`, `rsa-3072`, `ec`, `ec-p384`: any of them.
        package var keyTypes: [String]?
        /// Least size where the key is RSA.
        package var minimumRSABits: Int?
        package var maximumValidityDays: Int64?
        package var signatureHashes: [String]?
        /// SHA-256 of certificates that it does not hold for: a rule that denies all but these is an allow-list.
        package var exceptCertificates: [String]?
        /// SHA-256 of public keys that it does not hold for.
        package var exceptKeys: [String]?
        /// The registered vendors through which the certificate comes: any of them.
        package var vendors: [VendorName]?
        /// Whether the certificate comes through a registered vendor, whichever it is.
        package var registeredVendor: Bool?
        /// A signing certificate that is its own anchor matches only where this is true.
        package var selfSignedSigningCertificates: Bool?

        package init(
            origins: [AnchorOrigin]? = nil, purposes: [TrustStoreKind]? = nil, certificates: [String]? = nil,
            keys: [String]? = nil, subject: [AnchorFacts.Attribute]? = nil, keyTypes: [String]? = nil,
            minimumRSABits: Int? = nil, maximumValidityDays: Int64? = nil, signatureHashes: [String]? = nil,
            exceptCertificates: [String]? = nil, exceptKeys: [String]? = nil, vendors: [VendorName]? = nil,
            registeredVendor: Bool? = nil, selfSignedSigningCertificates: Bool? = nil
        ) {
            self.origins = origins
            self.purposes = purposes
            self.certificates = certificates
            self.keys = keys
            self.subject = subject
            self.keyTypes = keyTypes
            self.minimumRSABits = minimumRSABits
            self.maximumValidityDays = maximumValidityDays
            self.signatureHashes = signatureHashes
            self.exceptCertificates = exceptCertificates
            self.exceptKeys = exceptKeys
            self.vendors = vendors
            self.registeredVendor = registeredVendor
            self.selfSignedSigningCertificates = selfSignedSigningCertificates
        }
    }

    package enum Effect: Sendable, Hashable {
        case allow(ApprovalsNeeded)
        case deny(reason: String)
    }

    /// What people call it, such as `own/default`.
    package let name: String
    /// The team it is for; absent for all.
    package let team: TeamName?
    package let conditions: Conditions
    package let effect: Effect

    package static let maximumNameLength = 80
    package static let maximumReasonLength = 1_000
    /// Longer lists make every proposal slow, and nobody reads them.
    package static let maximumListLength = 500

    /// - Throws: `TrustModelError(.policy)` for a name or condition that means nothing.
    package init(name: String, team: TeamName?, conditions: Conditions, effect: Effect) throws(TrustModelError) {
        self.name = name
        self.team = team
        self.conditions = conditions
        self.effect = effect
        try Self.check(name: name)
        try checkConditions()
        if case .deny(let reason) = effect, reason.isEmpty || reason.utf8.count > Self.maximumReasonLength {
            throw TrustModelError(.policy, "rule \"\(name)\" refuses without saying why", hint: "give a reason")
        }
    }

    /// - Throws: `TrustModelError(.name)` for what no rule is called.
    package static func check(name: String) throws(TrustModelError) {
        let allowed: (UInt8) -> Bool = { isLowerCase($0) || isDigit($0) || "._-/".utf8.contains($0) }
        guard let first = name.utf8.first, isLowerCase(first) || isDigit(first), name.utf8.allSatisfy(allowed),
            name.utf8.count <= maximumNameLength
        else {
            throw TrustModelError(
                .name, "root rule \"\(name.prefix(80))\" is not a valid name",
                hint: "lower-case letters, digits and ._-/, at most \(maximumNameLength) characters")
        }
    }

    private func checkConditions() throws(TrustModelError) {
        let digests = [
            conditions.certificates, conditions.keys, conditions.exceptCertificates, conditions.exceptKeys,
        ]
        for digest in digests.flatMap({ $0 ?? [] }) {
            guard digest.utf8.count == 64, digest == digest.lowercased(), (try? Hex.decode(digest)) != nil else {
                throw TrustModelError(
                    .policy, "rule \"\(name)\" names \"\(digest.prefix(70))\", which is no SHA-256",
                    hint: "64 lower-case hexadecimal digits")
            }
        }
        let known = ["sha256", "sha384", "sha512"]
        for hash in conditions.signatureHashes ?? [] where !known.contains(hash) {
            throw TrustModelError(
                .policy, "rule \"\(name)\" names the hash \"\(hash.prefix(40))\"",
                hint: known.joined(separator: ", "))
        }
        for type in conditions.keyTypes ?? [] where !Self.isKeyType(type) {
            throw TrustModelError(
                .policy, "rule \"\(name)\" names the key type \"\(type.prefix(40))\"",
                hint: "rsa, rsa-BITS, ec, ec-p256, ec-p384 or ec-p521")
        }
        let lists: [(String, Int?)] = [
            ("origins", conditions.origins?.count), ("purposes", conditions.purposes?.count),
            ("certificates", conditions.certificates?.count), ("keys", conditions.keys?.count),
            ("keyTypes", conditions.keyTypes?.count),
            ("subject", conditions.subject?.count), ("signatureHashes", conditions.signatureHashes?.count),
            ("exceptCertificates", conditions.exceptCertificates?.count), ("exceptKeys", conditions.exceptKeys?.count),
            ("vendors", conditions.vendors?.count),
        ]
        for (member, count) in lists where count == 0 {
            throw TrustModelError(
                .policy, "rule \"\(name)\" has an empty list \(member), which nothing matches",
                hint: "leave it out when it is not to matter")
        }
        for (member, count) in lists where count ?? 0 > Self.maximumListLength {
            throw TrustModelError(
                .policy, "rule \"\(name)\" has \(count ?? 0) entries in \(member)",
                hint: "at most \(Self.maximumListLength); make a second rule for the others")
        }
        guard conditions.registeredVendor != false || conditions.vendors == nil else {
            throw TrustModelError(
                .policy, "rule \"\(name)\" names vendors, and is for what comes through none",
                hint: "leave one of them out")
        }
        guard RootRules.rsaBits.contains(conditions.minimumRSABits ?? RootRules.rsaBits.lowerBound),
            (1...36_525).contains(conditions.maximumValidityDays ?? 1)
        else { throw TrustModelError(.policy, "rule \"\(name)\" has a size or validity outside its range") }
    }

    private static func isKeyType(_ text: String) -> Bool {
        if ["rsa", "ec", "ec-p256", "ec-p384", "ec-p521"].contains(text) { return true }
        guard text.hasPrefix("rsa-"), let bits = Int(text.dropFirst(4)) else { return false }
        return RootRules.rsaBits.contains(bits) && text == "rsa-\(bits)"
    }
}

extension RootRule {
    private enum CodingKeys: String, CodingKey { case name, team, conditions, allow, deny }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .name)
        let team = try container.decodeIfPresent(TeamName.self, forKey: .team)
        let conditions = try container.decodeIfPresent(Conditions.self, forKey: .conditions) ?? Conditions()
        let allow = try container.decodeIfPresent(ApprovalsNeeded.self, forKey: .allow)
        let deny = try container.decodeIfPresent(String.self, forKey: .deny)
        let effect: Effect
        switch (allow, deny) {
        case (let needed?, nil): effect = .allow(needed)
        case (nil, let reason?): effect = .deny(reason: reason)
        default:
            throw TrustModelError(.policy, "a root rule needs exactly one of \"allow\" and \"deny\"")
        }
        try self.init(name: name, team: team, conditions: conditions, effect: effect)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encodeIfPresent(team, forKey: .team)
        try container.encode(conditions, forKey: .conditions)
        switch effect {
        case .allow(let needed): try container.encode(needed, forKey: .allow)
        case .deny(let reason): try container.encode(reason, forKey: .deny)
        }
    }
}
