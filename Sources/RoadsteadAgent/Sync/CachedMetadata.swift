import Files
package import TUF

/// The `tuf` directory and a source, as the client workflow sees them.
package struct CachedMetadata<Source: FleetSource>: MetadataAccess, Sendable {
    /// For one file of a top-level role or of one that every host needs.
    static var seconds: Int64 { 60 }

    let state: StateDirectory
    let source: Source
    let budget: DownloadBudget

    package init(_ state: StateDirectory, _ source: Source) {
        self.init(state, source, budget: DownloadBudget())
    }

    init(_ state: StateDirectory, _ source: Source, budget: DownloadBudget) {
        self.state = state
        self.source = source
        self.budget = budget
    }

    package func load(_ role: Role, maximumBytes: Int) async throws -> [UInt8]? {
        do throws(FileError) {
            return try Files.read(path(role), limit: maximumBytes, links: .refused)
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    package func fetch(_ file: MetadataFile, maximumBytes: Int) async throws -> [UInt8]? {
        guard case .delegated(let name) = file.role, !TeamRoutes.others.contains(name.text) else {
            return try await source.metadata(file.path, limit: maximumBytes, seconds: Self.seconds)
        }
        let bytes = try await source.metadata(file.path, limit: maximumBytes, seconds: try budget.seconds())
        budget.took(bytes)
        return bytes
    }

    package func persist(_ role: Role, _ bytes: [UInt8]) async throws { try Files.write(bytes, to: path(role)) }

    package func delete(_ role: Role) async throws {
        try Files.remove(path(role))
        try Files.syncDirectory(state.metadata)
    }

    private func path(_ role: Role) -> String { "\(state.metadata)/\(role.fileName)" }
}
