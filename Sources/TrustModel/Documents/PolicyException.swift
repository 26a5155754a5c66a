package import Codecs
import OCI

/// What a fleet lets pass until a moment although its policy would not: one digest, or one scope at the level `audit`.
///
/// It never beats a denial: where an enforcer could hold a scope to `audit` only by letting what is denied pass, the scope
/// rejects, unless the fleet's settings say `report-unenforced`. It ends by itself, with or without a network, wherever
/// the agent runs and for `roadstead verify`; files that were rendered before an agent was stopped stay as they are.
package struct PolicyException: Sendable, Hashable, Codable {
    package enum Subject: Sendable, Hashable {
        /// One artifact, `sha256:…`; it is accepted whatever signs it.
        case digest(String)
        /// Images within the scope that its owner speaks for, or no team, are held to `audit`: what fails is reported,
        /// not refused. Scopes within it that are another team's stay as they are.
        case scope(RegistryScope)
    }

    /// `E-` and its number.
    package let id: String
    package let until: UTCDate
    /// Absent in one of a kind that a later program wrote: it then excepts nothing.
    package let subject: Subject?
    /// The one team whose statements a scope's exception lowers. Where it is absent, hosts take the owner of the scope by
    /// the settings that the exception comes with.
    package let team: TeamName?

    package init(id: String, subject: Subject, until: UTCDate, team: TeamName? = nil) {
        self.id = id
        self.subject = subject
        self.until = until
        self.team = team
    }

    /// The same, said of the owner of its scope unless it names a team.
    func owned(by owners: ScopeOwners) -> PolicyException {
        guard team == nil, case .scope(let scope)? = subject, let owner = owners.owner(of: scope) else { return self }
        return PolicyException(id: id, subject: .scope(scope), until: until, team: owner)
    }

    /// Whether it lowers statements of a team, or, of none, the fleet's own.
    func reaches(_ team: TeamName?) -> Bool { team == nil || team == self.team }

    package var scope: RegistryScope? { if case .scope(let scope)? = subject { scope } else { nil } }
    package var digest: String? { if case .digest(let digest)? = subject { digest } else { nil } }
    package func holds(at time: UTCDate) -> Bool { time < until }

    private enum CodingKeys: String, CodingKey { case id, digest, scope, until, team }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        until = try container.decode(UTCDate.self, forKey: .until)
        team = try container.decodeIfPresent(TeamName.self, forKey: .team)
        subject = try? Subject(
            digest: try container.decodeIfPresent(String.self, forKey: .digest),
            scope: try container.decodeIfPresent(RegistryScope.self, forKey: .scope))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encodeIfPresent(digest, forKey: .digest)
        try container.encodeIfPresent(scope, forKey: .scope)
        try container.encode(until, forKey: .until)
        try container.encodeIfPresent(team, forKey: .team)
    }
}

extension PolicyException.Subject {
    /// - Throws: `TrustModelError(.document)` for both, neither, or a digest that is none of SHA-256.
    package init(digest: String?, scope: RegistryScope?) throws(TrustModelError) {
        switch (digest, scope) {
        case (let digest?, nil):
            guard digest.hasPrefix("sha256:"), (try? Digest(digest)) != nil else {
                throw TrustModelError(
                    .document, "\"\(digest.prefix(100))\" is not the digest of an image", hint: "sha256: and 64 digits")
            }
            self = .digest(digest)
        case (nil, let scope?): self = .scope(scope)
        default:
            throw TrustModelError(
                .document, "an exception is for one digest or for one scope", hint: "name one of them")
        }
    }
}

extension PolicyException: CustomStringConvertible {
    package var description: String {
        switch subject {
        case .digest(let digest): "exception \(id) accepts \(digest) until \(until)"
        case .scope(let scope):
            "exception \(id) holds \(scope) to audit\(team.map { " for team \($0)" } ?? "") until \(until)"
        case nil: "exception \(id) until \(until) is of a kind that is not understood here; it is not in force"
        }
    }
}
