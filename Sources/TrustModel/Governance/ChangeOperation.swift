package import Codecs

/// What a change says about the anchor that it adds.
package struct AnchorAddition: Sendable, Hashable {
    package let kind: TrustStoreKind
    package let store: TrustStoreName
    /// DER of the certificate.
    package let certificate: [UInt8]
    package let origin: AnchorOrigin
    /// Who answers for it: a person or a group, as text.
    package let owner: String
    /// Where the proof is that it is what it is said to be, such as an address or a document.
    package let evidence: String?
    package let reviewBy: UTCDate?

    package init(
        kind: TrustStoreKind, store: TrustStoreName, certificate: [UInt8], origin: AnchorOrigin, owner: String,
        evidence: String? = nil, reviewBy: UTCDate? = nil
    ) {
        self.kind = kind
        self.store = store
        self.certificate = certificate
        self.origin = origin
        self.owner = owner
        self.evidence = evidence
        self.reviewBy = reviewBy
    }
}

/// One step of a change.
package enum ChangeOperation: Sendable, Hashable {
    case addAnchor(AnchorAddition)
    /// Takes one anchor out of its store, by the number under which the team registered it.
    case removeAnchor(id: Int64)
    /// Ends a denial, which is adding trust.
    case liftDenial(id: Int64)
    /// Says who signs the team's role from now on.
    case setCustody(CustodySetting)
    /// Has the team's role signed again with the content that it has.
    case renewRole
    /// Anything that a type of its own describes.
    case governed(GovernedStep)

    package static func governed(_ operation: some GovernedOperation) -> Self { .governed(GovernedStep(operation)) }

    /// Whether others must agree: everything but taking trust or authority away.
    package var adds: Bool {
        switch self {
        case .removeAnchor: false
        case .governed(let step): step.operation.adds
        default: true
        }
    }

    package var kind: OperationKind {
        switch self {
        case .addAnchor: .addAnchor
        case .removeAnchor: .removeAnchor
        case .liftDenial: .liftDenial
        case .setCustody: .setCustody
        case .renewRole: .renewRole
        case .governed(let step): type(of: step.operation).kind
        }
    }
}

extension ChangeOperation: Codable {
    private enum CodingKeys: String, CodingKey {
        case op, kind, store, certificate, origin, owner, evidence, reviewBy, anchor, denial, custody, keys, threshold,
            formerLost
    }

    /// The one member that says which others there are.
    private struct Discriminator: CodingKey {
        static let op = Discriminator(stringValue: "op")
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The kind that a decoder's value says it is.
    package static func kind(in decoder: any Decoder) throws -> OperationKind {
        let name = try decoder.container(keyedBy: Discriminator.self).decode(String.self, forKey: .op)
        guard let kind = OperationKind(rawValue: name) else {
            throw TrustModelError(
                .document, "a change holds the unknown operation \"\(name.prefix(40))\"",
                hint: OperationKind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return kind
    }

    package init(from decoder: any Decoder) throws {
        let kind = try Self.kind(in: decoder)
        if let type = kind.governed {
            self = .governed(GovernedStep(try type.init(from: try decoder.hiding("op"))))
            return
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch kind {
        case .addAnchor:
            self = .addAnchor(
                AnchorAddition(
                    kind: try container.decode(TrustStoreKind.self, forKey: .kind),
                    store: try container.decode(TrustStoreName.self, forKey: .store),
                    certificate: try Base64.decode(try container.decode(String.self, forKey: .certificate), .standard),
                    origin: try container.decode(AnchorOrigin.self, forKey: .origin),
                    owner: try container.decode(String.self, forKey: .owner),
                    evidence: try container.decodeIfPresent(String.self, forKey: .evidence),
                    reviewBy: try container.decodeIfPresent(UTCDate.self, forKey: .reviewBy)))
        case .removeAnchor:
            self = .removeAnchor(id: try container.decode(Int64.self, forKey: .anchor))
        case .liftDenial:
            self = .liftDenial(id: try container.decode(Int64.self, forKey: .denial))
        case .setCustody:
            self = .setCustody(
                try CustodySetting(
                    try container.decode(Custody.self, forKey: .custody),
                    keys: try container.decodeIfPresent([String].self, forKey: .keys) ?? [],
                    threshold: try container.decodeIfPresent(Int.self, forKey: .threshold) ?? 0,
                    formerLost: try container.decodeIfPresent(Bool.self, forKey: .formerLost) ?? false))
        default: self = .renewRole
        }
    }

    package func encode(to encoder: any Encoder) throws {
        if case .governed(let step) = self { try step.operation.encode(to: encoder) }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .op)
        switch self {
        case .addAnchor(let addition):
            try container.encode(addition.kind, forKey: .kind)
            try container.encode(addition.store, forKey: .store)
            try container.encode(Base64.encode(addition.certificate, .standard), forKey: .certificate)
            try container.encode(addition.origin, forKey: .origin)
            try container.encode(addition.owner, forKey: .owner)
            try container.encodeIfPresent(addition.evidence, forKey: .evidence)
            try container.encodeIfPresent(addition.reviewBy, forKey: .reviewBy)
        case .removeAnchor(let id): try container.encode(id, forKey: .anchor)
        case .liftDenial(let id): try container.encode(id, forKey: .denial)
        case .setCustody(let setting):
            try container.encode(setting.custody, forKey: .custody)
            try container.encode(setting.keys, forKey: .keys)
            try container.encode(setting.threshold, forKey: .threshold)
            try container.encode(setting.formerLost, forKey: .formerLost)
        case .renewRole, .governed: break
        }
    }
}
