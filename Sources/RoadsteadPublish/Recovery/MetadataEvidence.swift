import SigningKeys

/// Files that somebody kept of a fleet's repository: a replica's disk, or a host. Nothing in them is to be believed yet.
package struct MetadataEvidence: Sendable, Equatable {
    /// Who kept them, for people: `directory /var/lib/…`, `host web-1`.
    package let source: String
    package var roots: [[UInt8]]
    /// Every other metadata file, by role.
    package var files: [String: [UInt8]]
    /// Target files, whatever they are called: what a role lists is found by its hash.
    package var targets: [[UInt8]]

    package init(
        source: String, roots: [[UInt8]], files: [String: [UInt8]], targets: [[UInt8]] = []
    ) {
        self.source = source
        self.roots = roots
        self.files = files
        self.targets = targets
    }
}

/// One version of one role and what its file was.
package struct SeenVersion: Sendable, Hashable {
    package let role: String
    package let version: Int64
    /// Lower-case hexadecimal; nil when the file itself was not shown, only listed.
    package let sha256: String?

    package init(role: String, version: Int64, sha256: String?) {
        self.role = role
        self.version = version
        self.sha256 = sha256
    }

    init(role: String, version: Int64, bytes: [UInt8]) {
        self.init(role: role, version: version, sha256: hexSHA256(bytes))
    }
}

/// What the database holds of what it is asked about.
package struct KnownVersions: Sendable, Equatable {
    /// Digests by role and version; two where two histories were settled.
    package var digests: [String: [Int64: Set<String>]]
    /// The highest version of each role.
    package var highest: [String: Int64]

    package init(digests: [String: [Int64: Set<String>]] = [:], highest: [String: Int64] = [:]) {
        self.digests = digests
        self.highest = highest
    }
}

/// What was seen and does not stand in the database.
package struct Lead: Sendable, Equatable {
    /// Versions above the database's highest.
    package var ahead: [SeenVersion] = []
    /// Versions that the database holds with other bytes.
    package var forks: [SeenVersion] = []

    package var isEmpty: Bool { ahead.isEmpty && forks.isEmpty }

    package init(of seen: [SeenVersion], over known: KnownVersions) {
        for version in seen {
            let digests = known.digests[version.role]?[version.version] ?? []
            if version.version > known.highest[version.role] ?? 0 {
                ahead.append(version)
            } else if let sha256 = version.sha256, !digests.isEmpty, !digests.contains(sha256) {
                forks.append(version)
            }
        }
    }

    /// One sentence for people, without TUF's words where there is another.
    package func sentence(source: String, known: KnownVersions) -> String {
        let shown =
            (ahead.prefix(4).map { "\($0.role) \($0.version) (known here: \(known.highest[$0.role] ?? 0))" }
            + forks.prefix(4).map { "another \($0.role) \($0.version)" }).joined(separator: ", ")
        let rest = ahead.count + forks.count - min(ahead.count, 4) - min(forks.count, 4)
        return "\(source) has \(shown)\(rest > 0 ? " and \(rest) more" : "")"
    }
}
