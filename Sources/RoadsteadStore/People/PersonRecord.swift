package import Codecs
package import TrustModel

/// A person, known for ever by issuer and subject.
package struct PersonRecord: Sendable, Equatable {
    /// The issuer of accounts that live in this server.
    package static let localIssuer = "local"

    package let id: PersonID
    package let issuer: String
    /// The login name where the issuer is `local`.
    package let subject: String
    package let displayName: String
    package let disabled: Bool
}

/// A credential without its secret.
package struct CredentialRecord: Sendable, Equatable {
    package let id: Int64
    package let person: PersonID
    package let kind: CredentialKind
    /// The identity by which it came about, also through another credential; nil where it was none of a provider's.
    package let issuer: String?
    package let subject: String?
    package let label: String
    package let limits: TokenLimits
    package let created: UTCDate
    package let expires: UTCDate
    package let revoked: UTCDate?
    package let lastUsed: UTCDate?

    package func isGood(at now: UTCDate) -> Bool { revoked == nil && now < expires }
}

/// A credential to be made: its holder keeps the token, the store its SHA-256.
package struct NewCredential: Sendable {
    package let tokenSHA256: [UInt8]
    package let label: String
    package let limits: TokenLimits
    package let expires: UTCDate
    /// By which identity its holder signed in to get it, or to get the one that it was made with.
    var issuer: String?
    var subject: String?

    package static let maximumDays: Int64 = 366

    package init(tokenSHA256: [UInt8], label: String, limits: TokenLimits = .unlimited, expires: UTCDate) {
        self.tokenSHA256 = tokenSHA256
        self.label = label
        self.limits = limits
        self.expires = expires
    }

    func check(now: UTCDate) throws {
        try tokenSHA256.requireDigest("the digest of a token")
        guard expires > now, expires <= now.adding(days: Self.maximumDays) else {
            throw StoreError(
                .invalid, "a token cannot expire at \(expires)",
                hint: "after now, and within \(Self.maximumDays) days")
        }
        try Texts.check(label, "label of a token", maximum: 100)
    }
}

/// A group at an issuer that brings a role.
package struct RoleGroup: Sendable, Equatable {
    package let issuer: String
    package let name: String
    /// When the word of the holder's newest token ends.
    package let until: UTCDate
}

/// The role that members of a group at an issuer hold.
package struct GroupRoleRecord: Sendable, Equatable {
    package let id: Int64
    package let issuer: String
    package let group: String
    package let binding: RoleBinding
    package let set: UTCDate
    /// The change that brought it.
    package let change: Int64
}

/// A role that somebody holds, with the number to revoke it by.
package struct BindingRecord: Sendable, Equatable {
    package let id: Int64
    package let person: PersonID
    /// The login name or subject.
    package let subject: String
    package let binding: RoleBinding
    package let granted: UTCDate
    /// What it comes from where it is not the person's own; the number is then the group role's.
    package var group: RoleGroup?
}

/// An invitation that its invitee has not yet taken up.
package struct InvitationRecord: Sendable, Equatable {
    package let id: Int64
    package let subject: String
    package let displayName: String
    package let bindings: [RoleBinding]
    package let invitedBy: PersonID
    package let expires: UTCDate
}

/// An invitation that can still be taken up, as a list shows it.
package struct OpenInvitation: Sendable, Equatable {
    package let id: Int64
    package let subject: String
    package let displayName: String
    /// The roles that come with it.
    package let bindings: [RoleBinding]
    /// The login name of who invited.
    package let inviter: String
    package let expires: UTCDate
}

/// Texts that people give.
enum Texts {
    static func check(_ text: String, _ what: String, maximum: Int) throws {
        guard !text.allSatisfy(\.isWhitespace), text.unicodeScalars.count <= maximum,
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw StoreError(
                .invalid, "the \(what) is empty, too long or has control characters",
                hint: "1 to \(maximum) characters")
        }
    }

    /// What people write to each other: lines and tabs, and nothing else that a terminal would take for more than text.
    static func checkProse(_ text: String, _ what: String, maximum: Int) throws {
        try check(text.filter { !["\n", "\t", "\r\n"].contains($0) }, what, maximum: maximum)
        guard text.unicodeScalars.count <= maximum else {
            throw StoreError(.invalid, "the \(what) is too long", hint: "1 to \(maximum) characters")
        }
    }

    /// A login name: what a person types and others read.
    static func checkSubject(_ text: String) throws {
        let isWord: (UInt8) -> Bool = {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "._-@+".utf8.contains($0)
        }
        guard let first = text.utf8.first, (0x61...0x7A).contains(first) || (0x30...0x39).contains(first),
            text.utf8.count <= 64, text.utf8.allSatisfy(isWord)
        else {
            throw StoreError(
                .invalid, "\"\(text.prefix(64))\" is not a valid login name",
                hint: "lower-case letters, digits and ._-@+, at most 64 characters")
        }
    }
}
