import Codecs
import Files

/// Makes Notation read what the generation in force says: its configuration directory becomes a link to it.
package struct NotationEnforcer: Sendable {
    package let state: StateDirectory
    /// The directory that Notation reads, such as `/etc/roadstead/notation`.
    package let path: String

    package init(_ state: StateDirectory, path: String) {
        self.state = state
        self.path = path
    }

    /// What was at the path before the agent came, so that it can be put back.
    struct Record: Codable, Equatable {
        enum Before: String, Codable { case nothing, link, directory }
        let path: String
        let before: Before
        /// Where the link pointed to.
        let linkTarget: String?
        /// Where the directory was moved to.
        let movedTo: String?
    }

    private struct Records: Codable {
        let schema: Int
        let notation: Record?
    }

    /// Whether Notation reads the generation in force.
    package var isApplied: Bool { (try? Files.linkTarget(path)) == state.currentNotation }

    /// Puts the link in place; what was there is kept beside it and remembered first.
    ///
    /// - Returns: sentences about what was done; none when the link was there already.
    package func apply() throws -> [String] {
        if isApplied { return [] }
        try removeLeftovers()
        let before = try found()
        // A broken-off attempt may have moved the directory already: what it wrote down stays true.
        let known = try self.record().flatMap { $0.path == path && before.before == .nothing ? $0 : nil }
        let record = known ?? before
        try save(record)
        var notes: [String] = []
        if before.before == .directory, let movedTo = record.movedTo {
            try Files.rename(path, to: movedTo)
            notes.append("\(path) was a directory; it is kept as \(movedTo)")
        }
        if let target = before.linkTarget { notes.append("\(path) was a link to \(target); that is remembered") }
        try Files.replaceLink(path, target: state.currentNotation)
        return notes + ["\(path) is now a link to \(state.currentNotation)"]
    }

    /// Puts back what was there before the agent came.
    package func restore() throws -> [String] {
        let record = try record()
        guard isApplied || record != nil else { return [] }
        let isOurs = isApplied
        guard isOurs || !exists(path) else {
            throw AgentError(
                .enforcer, "\(path) is not the agent's link any more; it is left as it is",
                hint: "what was there before is \(record?.movedTo ?? record?.linkTarget ?? "nothing")")
        }
        switch (record?.before ?? .nothing, record?.linkTarget, record?.movedTo) {
        case (.link, let target?, _): try Files.replaceLink(path, target: target)
        case (.directory, _, let movedTo?):
            try Files.remove(path)
            if exists(movedTo) { try Files.rename(movedTo, to: path) }
        default:
            try Files.remove(path)
            try Files.syncDirectory(Files.parent(of: path))
        }
        try Files.remove(state.enforcers)
        return ["\(path) is again what it was before: \(record?.before.rawValue ?? Record.Before.nothing.rawValue)"]
    }

    /// What enforcing would change, in sentences; nothing is touched.
    package func preview() throws -> [String] {
        if isApplied { return [] }
        let before = try found()
        var lines = ["\(path) would become a link to \(state.currentNotation)"]
        if let movedTo = before.movedTo { lines.append("the directory \(path) would be kept as \(movedTo)") }
        if let target = before.linkTarget { lines.append("it is a link to \(target) now; that would be remembered") }
        return lines + differences()
    }

    /// How the policy and stores in use differ from those rendered.
    private func differences() -> [String] {
        let (old, new) = (tree(path), tree(state.currentNotation))
        let changed = old.filter { name, bytes in new[name].map { $0 != bytes } ?? false }.keys.sorted()
        let added = new.keys.filter { old[$0] == nil }.sorted()
        let removed = old.keys.filter { new[$0] == nil }.sorted()
        return added.map { "would be new: \($0)" } + changed.map { "would change: \($0)" }
            + removed.map { "would be gone: \($0)" }
    }

    /// Policy files and trust store files below a directory, at most some thousands of them.
    private func tree(_ root: String, _ inner: String = "", depth: Int = 0) -> [String: [UInt8]] {
        guard depth < 6, let names = try? Files.list(root + inner, limit: 10_000) else { return [:] }
        var files: [String: [UInt8]] = [:]
        for name in names where depth > 0 || name.hasPrefix("trust") {
            let place = "\(inner)/\(name)"
            guard let status = try? Files.status(root + place, links: .followed) else { continue }
            if status.kind == .directory {
                files.merge(tree(root, place, depth: depth + 1)) { first, _ in first }
            } else {
                files[String(place.dropFirst())] = (try? Files.read(root + place, limit: 1 << 20)) ?? []
            }
        }
        return files
    }

    private func found() throws -> Record {
        guard exists(path) else {
            guard Files.exists(Files.parent(of: path)) else {
                throw AgentError(
                    .enforcer, "\(path) cannot become Notation's configuration: its parent directory does not exist",
                    hint: "mkdir -p \(Files.parent(of: path))")
            }
            return Record(path: path, before: .nothing, linkTarget: nil, movedTo: nil)
        }
        switch try Files.status(path).kind {
        case .symbolicLink:
            return Record(path: path, before: .link, linkTarget: try Files.linkTarget(path), movedTo: nil)
        case .directory:
            return Record(path: path, before: .directory, linkTarget: nil, movedTo: freeName())
        default:
            throw AgentError(
                .enforcer, "\(path) is a file; Notation's configuration is a directory",
                hint: "move it away, or enrol with another --notation-config")
        }
    }

    private func freeName() -> String {
        var number = 1
        while true {
            let name = "\(path).before-roadstead" + (number == 1 ? "" : ".\(number)")
            if !exists(name) { return name }
            number += 1
        }
    }

    /// Links that a killed agent made beside the path and did not rename.
    private func removeLeftovers() throws {
        let parent = Files.parent(of: path)
        guard let names = try? Files.list(parent) else { return }
        for name in names where name.hasPrefix(".\(Files.name(of: path)).") && name.hasSuffix(".tmp") {
            let link = "\(parent)/\(name)"
            if (try? Files.linkTarget(link)) == state.currentNotation { try Files.remove(link) }
        }
    }

    private func exists(_ path: String) -> Bool { (try? Files.status(path)) != nil }

    private func record() throws -> Record? {
        guard Files.exists(state.enforcers) else { return nil }
        let records: Records = try JSON(parsing: try Files.read(state.enforcers, limit: 1 << 20))
            .decode(place: "enforcers.json")
        return records.notation
    }

    private func save(_ record: Record) throws {
        let text = try JSON(encoding: Records(schema: 1, notation: record)).prettyText
        try Files.write(Array(text.utf8), to: state.enforcers)
    }
}
