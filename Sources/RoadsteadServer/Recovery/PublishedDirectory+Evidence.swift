import Files
import RoadsteadPublish
import TUF
import TrustModel

/// High-water marks beside the published files, and those files as evidence of what was published.
extension PublishedDirectory {
    private func markPath(_ fleet: FleetName) -> String { "\(Files.parent(of: path))/marks/\(fleet).json" }

    /// How far a fleet's publication had come; nil without a mark, or with one that cannot be read.
    func mark(of fleet: FleetName) -> HighWaterMark? {
        guard let bytes = try? Files.read(markPath(fleet), limit: Self.largestFile, links: .refused) else { return nil }
        return try? HighWaterMark(parsing: bytes)
    }

    /// Fleets that have a mark.
    var markedFleets: [FleetName] {
        let names = (try? Files.list(Files.parent(of: path) + "/marks")) ?? []
        return names.filter { $0.hasSuffix(".json") }.compactMap { FleetName(rawValue: String($0.dropLast(5))) }
    }

    /// Durable when it returns.
    func write(_ mark: HighWaterMark, of fleet: FleetName) throws {
        try Files.createDirectory(Files.parent(of: markPath(fleet)))
        try Files.write(try mark.fileBytes(), to: markPath(fleet))
    }

    /// Everything that lies here of a fleet: the mark's files, or else the timestamp that is served, and all that they
    /// list as far as it is here.
    func evidence(of fleet: FleetName) -> MetadataEvidence? {
        let mark = mark(of: fleet)
        let source = "directory \(path)/\(fleet)"
        guard let timestamp = mark?.timestamp ?? metadata("timestamp", fleet),
            let snapshot = mark?.snapshot
                ?? HighWaterMark.snapshotPath(in: timestamp).flatMap({ FleetPath(fleet: fleet, file: $0) })
                .flatMap({ try? file($0) })
        else { return nil }
        var evidence = MetadataEvidence(
            source: source, roots: roots(fleet) + [mark?.root].compactMap(\.self),
            files: ["timestamp": timestamp, "snapshot": snapshot])
        guard let list = try? UnverifiedMetadata<Snapshot>(snapshot, maximumBytes: Self.largestFile) else {
            return evidence
        }
        let listed =
            [("targets", list.unverifiedContent.targets.version)]
            + list.unverifiedContent.delegated.map { ($0.key.text, $0.value.version) }
        for (name, version) in listed {
            guard let bytes = metadata("\(version).\(name)", fleet) else { continue }
            evidence.files[name] = bytes
            evidence.targets += targets(bytes, fleet)
        }
        return evidence
    }

    private func metadata(_ stem: String, _ fleet: FleetName) -> [UInt8]? {
        FleetPath(fleet: fleet, file: "metadata/\(stem).json").flatMap { try? file($0) }
    }

    private func roots(_ fleet: FleetName) -> [[UInt8]] {
        let newest = rootVersion(fleet)
        guard newest > 0 else { return [] }
        let names = (try? Files.list("\(path)/\(fleet)/metadata")) ?? []
        return names.compactMap { FleetPath(fleet: fleet, file: "metadata/\($0)") }.filter { $0.rootVersion != nil }
            .compactMap { try? file($0) }
    }

    private func targets(_ role: [UInt8], _ fleet: FleetName) -> [[UInt8]] {
        guard let metadata = try? UnverifiedMetadata<Targets>(role, maximumBytes: Self.largestFile) else { return [] }
        return metadata.unverifiedContent.targets.compactMap { name, file in
            let place = "targets/\(name.path(hashPrefix: file.hashes.fileNamePrefix))"
            return FleetPath(fleet: fleet, file: place).flatMap { try? self.file($0) }
        }
    }
}
