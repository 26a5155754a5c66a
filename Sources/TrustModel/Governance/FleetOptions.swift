/// What a fleet's hosts do beside the mode of their enforcers; every fleet begins with `standard`.
package struct FleetOptions: Sendable, Hashable, Codable, CustomStringConvertible {
    /// After how long without a refresh team scopes reject; absent for what the fleet's profile says.
    package let rejectAfterSeconds: Int64?
    package let inexpressible: FleetSettings.Inexpressible
    /// Scopes for which a host may add stores of its own.
    package let localScopes: [RegistryScope]

    package static let standard = FleetOptions()
    /// An hour to the 400 days that an offline role lives.
    package static let rejectAfterRange: ClosedRange<Int64> = 3_600...34_560_000
    package static let maximumLocalScopes = 1_000

    /// - Throws: `TrustModelError(.document)` for a time or a number of scopes outside its range.
    package init(
        rejectAfterSeconds: Int64?, inexpressible: FleetSettings.Inexpressible = .rejectScope,
        localScopes: [RegistryScope] = []
    ) throws(TrustModelError) {
        guard Self.rejectAfterRange.contains(rejectAfterSeconds ?? Self.rejectAfterRange.lowerBound) else {
            throw TrustModelError(
                .document, "a fleet cannot reject after \(rejectAfterSeconds ?? 0) seconds",
                hint: "\(Self.rejectAfterRange.lowerBound) to \(Self.rejectAfterRange.upperBound)")
        }
        guard localScopes.count <= Self.maximumLocalScopes else {
            throw TrustModelError(
                .document, "a fleet names \(localScopes.count) local scopes", hint: "at most \(Self.maximumLocalScopes)"
            )
        }
        self.rejectAfterSeconds = rejectAfterSeconds
        self.inexpressible = inexpressible
        self.localScopes = Set(localScopes).sorted()
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            rejectAfterSeconds: try container.decodeIfPresent(Int64.self, forKey: .rejectAfterSeconds),
            inexpressible: try container.decodeIfPresent(FleetSettings.Inexpressible.self, forKey: .inexpressible)
                ?? .rejectScope,
            localScopes: try container.decodeIfPresent([RegistryScope].self, forKey: .localScopes) ?? [])
    }

    private enum CodingKeys: String, CodingKey { case rejectAfterSeconds, inexpressible, localScopes }

    private init() {
        rejectAfterSeconds = nil
        inexpressible = .rejectScope
        localScopes = []
    }

    package var description: String {
        let end = rejectAfterSeconds.map { "rejects after \($0) s without a refresh" } ?? "rejects as its profile says"
        let scopes = localScopes.isEmpty ? "none" : localScopes.map(\.rawValue).joined(separator: ", ")
        return "\(end); inexpressible \(inexpressible.rawValue); local scopes \(scopes)"
    }
}
