import TUF

/// Fetches targets, or takes them from this host where they are what the metadata lists.
struct TargetFetcher<Source: FleetSource>: Sendable {
    /// For one target that every host needs.
    private static var mandatorySeconds: Int64 { 60 }

    let source: Source
    /// Content that is on this host already, by target name; it is held against the metadata.
    let known: [String: [UInt8]]
    let budget: DownloadBudget

    /// A target that the fleet's `targets` role must list itself.
    func ofTheFleet(_ name: String, in trusted: TrustedMetadataSet) async throws -> [UInt8] {
        try await mandatory(name, of: .targets, in: DelegatedRoles(trusted))
    }

    /// A target that one certain role must list.
    func mandatory(_ name: String, of role: Role, in roles: DelegatedRoles) async throws -> [UInt8] {
        guard case .found(let target) = roles.search(try TargetName(name)), target.role == role else {
            throw AgentError(
                .content, "the fleet's role \(role) does not list \(name)",
                hint: "publish a new release; this host keeps what it has")
        }
        return try await content(of: target) { Self.mandatorySeconds }
    }

    /// A team's target, at the expense of what all teams may take.
    func teamContent(of target: FoundTarget) async throws -> [UInt8] {
        try await content(of: target) { try budget.seconds() }
    }

    private func content(of target: FoundTarget, _ seconds: () throws -> Int64) async throws -> [UInt8] {
        if let bytes = known[target.name.text], (try? target.file.check(bytes)) != nil { return bytes }
        guard target.file.length <= FleetDocuments.targetLimit, let path = target.path else {
            throw AgentError(.content, "\(target.name) is larger than what is taken, or has no usable hash")
        }
        let seconds = try seconds()
        guard let bytes = try await source.target(path, limit: Int(target.file.length), seconds: seconds) else {
            throw AgentError(.content, "the server does not have the listed target \(target.name)")
        }
        budget.took(bytes)
        do throws(TUFError) { try target.file.check(bytes) } catch {
            throw AgentError(.content, "\(target.name): \(error.reason)")
        }
        return bytes
    }
}
