package import Codecs
import OCI

/// What a fleet lets pass until a moment although its policy would not: one digest, or one scope at the level `audit`.
///
/// It never beats a denial, and ends by itself on every host, with or without a network.
package struct PolicyException: Sendable, Hashable, Codable {
    package enum Subject: Sendable, Hashable {
        /// One artifact, `sha256:…`; it is accepted whatever signs it.
        case digest(String)
        /// Images within the scope are held to `audit`: what fails is reported, not refused.
        case scope(RegistryScope)
    }

    /// `E-` and its number.
    package let id: String
    package let until: UTCDate
    /// Absent in one of a kind that a later program wrote: it then excepts nothing.
    package let subject: Subject?

    package init(id: String, subject: Subject, until: UTCDate) {
        self.id = id
        self.subject = subject
        self.until = until
    }

    package var scope: RegistryScope? { if case .scope(let scope)? = subject { scope } else { nil } }
    package var digest: String? { if case .digest(let digest)? = subject { digest } else { nil } }
    package func holds(at time: UTCDate) -> Bool { time < until }

    private enum CodingKeys: String, CodingKey { case id, digest, scope, until }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        until = try container.decode(UTCDate.self, forKey: .until)
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
        case .scope(let scope): "exception \(id) holds \(scope) to audit until \(until)"
        case nil: "exception \(id) until \(until) is of a kind that is not understood here; it is not in force"
        }
    }
}
