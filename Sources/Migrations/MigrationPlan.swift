/// How the schema of a database stands to what the program was compiled with.
package struct MigrationPlan: Sendable {
    package enum State: Sendable, Hashable {
        case upToDate
        /// The program has migrations that the database lacks.
        case pending([Migration])
        /// These were changed after they had been applied.
        case altered([AppliedMigration])
        /// The database has these, which the program does not know.
        case unknown([AppliedMigration])
    }

    package let applied: [AppliedMigration]
    package let state: State

    /// What is wrong with the history outweighs what is missing from it.
    init(compiled: [Migration], applied: [AppliedMigration]) {
        self.applied = applied
        let known = Dictionary(uniqueKeysWithValues: compiled.map { ($0.version, $0) })
        let unknown = applied.filter { known[$0.version] == nil }
        let altered = applied.filter { past in
            known[past.version].map { $0.sha256 != past.sha256 || $0.name != past.name } ?? false
        }
        let done = Set(applied.map(\.version))
        let pending = compiled.filter { !done.contains($0.version) }
        if !altered.isEmpty {
            state = .altered(altered)
        } else if !unknown.isEmpty {
            state = .unknown(unknown)
        } else {
            state = pending.isEmpty ? .upToDate : .pending(pending)
        }
    }

    /// Refuses every state but up to date, and says what to do.
    package func requireUpToDate() throws(MigrationError) {
        switch state {
        case .upToDate: return
        case .pending(let migrations):
            throw MigrationError(
                .pending, "the database lacks \(Self.list(migrations.map(\.name)))", hint: "roadstead-server migrate")
        default: try requireSound()
        }
    }

    /// Refuses a history that this program must not build on.
    func requireSound() throws(MigrationError) {
        switch state {
        case .upToDate, .pending: return
        case .altered(let migrations):
            throw MigrationError(
                .altered, "\(Self.list(migrations.map(\.name))) changed after having been applied to the database",
                hint: "use an unmodified release of the version that migrated it, or restore a backup")
        case .unknown(let migrations):
            throw MigrationError(
                .unknown, "the database has \(Self.list(migrations.map(\.name))), which this version does not know",
                hint: "use the version of Roadstead that migrated it, or a newer one")
        }
    }

    private static func list(_ names: [String]) -> String {
        let few = names.prefix(3).joined(separator: ", ")
        let rest = names.count > 3 ? " and \(names.count - 3) more" : ""
        return "\(names.count == 1 ? "the migration" : "the migrations") \(few)\(rest)"
    }
}
