package import Files

/// Where everything that the agent keeps lies.
///
///     agent.json      what the host is enrolled as; made last at enrolment, durable before each use of its sequence
///     agent.lock      held by the one agent that writes
///     host.key        the host's private key, mode 0600
///     tuf/            trusted metadata, as received
///     receipts/       signed receipts that the server has not taken yet
///     generations/N/  everything rendered from release N, immutable
///     current         → generations/N; the one switch
package struct StateDirectory: Sendable {
    package static let standardPath = "/var/lib/roadstead"

    package let path: String

    package init(_ path: String) {
        var path = path
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        self.path = path
    }

    package var configuration: String { path + "/agent.json" }
    package var lock: String { path + "/agent.lock" }
    package var hostKey: String { path + "/host.key" }
    package var enforcers: String { path + "/enforcers.json" }
    package var health: String { path + "/last-sync.json" }
    package var metadata: String { path + "/tuf" }
    package var receipts: String { path + "/receipts" }
    package var generations: String { path + "/generations" }
    package var current: String { path + "/current" }
    /// What a Notation configuration link points to.
    package var currentNotation: String { path + "/current/notation" }

    /// Makes the directories; what is there already stays as it is.
    package func create() throws(FileError) {
        for directory in [path, metadata, generations] where !Files.exists(directory) {
            try Files.createDirectory(directory)
        }
        if !Files.exists(receipts) { try Files.createDirectory(receipts, mode: 0o700) }
    }

    /// Runs the body as the one writer; refused while another agent is.
    package func locked<Result>(_ body: () async throws -> Result) async throws -> Result {
        let held = try takeLock()
        let result: Result
        do { result = try await body() } catch {
            extendLifetime(held)
            throw error
        }
        extendLifetime(held)
        return result
    }

    private func takeLock() throws -> FileLock {
        do throws(FileError) { return try FileLock(lock) } catch {
            guard error.code == .locked else { throw error }
            throw AgentError(
                .busy, "another roadstead-agent works in \(path)",
                hint: "wait for it, or stop the one that runs in the background first")
        }
    }

    /// Removes what a killed agent left behind: files that were never renamed into place.
    package func removeLeftovers() throws(FileError) {
        for directory in [path, metadata, receipts, generations] where Files.exists(directory) {
            for name in try Files.list(directory) where name.utf8.first == UInt8(ascii: ".") && name.hasSuffix(".tmp") {
                try Files.removeTree(directory + "/" + name)
            }
        }
    }
}
