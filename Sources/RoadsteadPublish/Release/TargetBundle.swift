import Codecs
import SigningKeys
import TUF
import TrustModel

/// The target files of one role: their names and bytes.
struct TargetBundle {
    private(set) var files: [(name: TargetName, bytes: [UInt8], file: TargetFile)] = []

    mutating func add(_ name: String, _ bytes: [UInt8]) throws {
        files.append((try TargetName(name), bytes, TargetFile(content: bytes)))
    }

    var listing: [TargetName: TargetFile] {
        Dictionary(files.map { ($0.name, $0.file) }, uniquingKeysWith: { first, _ in first })
    }

    /// The files under the paths at which the repository serves them.
    func built(without published: [TargetName: TargetFile]) -> [BuiltFile] {
        files.filter { published[$0.name]?.hashes != $0.file.hashes }.map { name, bytes, file in
            BuiltFile(
                kind: .target, path: targetPath(name, file), bytes: bytes, role: nil, version: nil,
                sha256: file.hashes.fileNamePrefix ?? "")
        }
    }
}

/// The path of a target file below `/fleets/<fleet>/`. [TUF §6.2]
func targetPath(_ name: TargetName, _ file: TargetFile) -> String {
    "targets/\(name.path(hashPrefix: file.hashes.fileNamePrefix))"
}

extension FleetContent {
    /// The target files of the fleet's own role.
    static func bundle(of settings: FleetSettings) throws -> TargetBundle {
        var bundle = TargetBundle()
        try bundle.add(FleetSettings.documentName, try settings.publishedBytes())
        return bundle
    }

    func bundle(of role: FleetRole) throws -> TargetBundle {
        var bundle = TargetBundle()
        switch role {
        case .targets: return try Self.bundle(of: settings)
        case .deny: try bundle.add(DenyDocument.documentName, try publishedDenials())
        case .ops:
            try bundle.add(OpsSettings.documentName, try OpsSettings(repositories: repositories).publishedBytes())
        case .revocation:
            let lists = revocationLists.map { RevocationIndex.List(url: $0.url, target: $0.targetName) }
            try bundle.add(RevocationIndex.documentName, try RevocationIndex(lists: lists).publishedBytes())
            for list in revocationLists { try bundle.add(list.targetName, list.bytes) }
        case .timestamp, .snapshot: break
        }
        return bundle
    }

    /// Every denial, without the reasons where those are too much: hosts need what is denied, people can look up why.
    private func publishedDenials() throws -> [UInt8] {
        let limit = PublishingLimits.denialsBytes
        let full = try DenyDocument(denials: denials).publishedBytes()
        guard full.count > limit else { return full }
        let bare = try DenyDocument(denials: denials.map(\.withoutReason)).publishedBytes()
        guard bare.count <= limit else {
            throw PublishError(
                .size, "the \(denials.count) denials of fleet \(fleet) have \(bare.count) bytes, at most \(limit) fit",
                hint: "lift those that are no longer needed: roadstead deny list --fleet \(fleet)")
        }
        return bare
    }

    /// Refuses what no signed metadata could say without contradicting itself.
    func check() throws {
        for (first, second) in zip(teams, teams.dropFirst()) where first.name == second.name {
            throw PublishError(.content, "team \(first.name) is in the content of fleet \(fleet) twice")
        }
        for (first, second) in zip(revocationLists, revocationLists.dropFirst()) where first.url == second.url {
            throw PublishError(.content, "the revocation list \(first.url) is in the content twice")
        }
        for (first, second) in zip(denials, denials.dropFirst()) where first.id == second.id {
            throw PublishError(.content, "the denial \(first.id) is in the content twice")
        }
    }
}

extension RevocationContent {
    var targetName: String { "revocation/\(Hex.encode(HashAlgorithm.sha256.digest(of: Array(url.utf8)))).crl" }
}

extension TeamContent {
    /// The team's stores as PEM, an emptied one with no bytes, and its policy.
    var bundle: TargetBundle {
        get throws {
            var bundle = TargetBundle()
            let targets = try targets
            for (store, bytes) in targets.stores.sorted(by: { $0.key < $1.key }) {
                try bundle.add(store.targetName, bytes)
            }
            if let policy = targets.policy { try bundle.add("\(name)/\(TeamPolicy.fileName)", policy) }
            return bundle
        }
    }

    /// The bundle of a content that does not contradict itself.
    var checkedBundle: TargetBundle {
        get throws {
            for (first, second) in zip(stores, stores.dropFirst())
            where (first.kind, first.name) == (second.kind, second.name) {
                throw PublishError(
                    .content, "team \(name) has the store \(first.kind.rawValue):\(first.name) twice")
            }
            return try bundle
        }
    }
}
