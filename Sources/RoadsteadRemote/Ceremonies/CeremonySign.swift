import ArgumentParser
import Codecs
import Files
import Foundation
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

struct CeremonySign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign with keys of yours, after what that does has been shown.",
        discussion: """
            Each key signs every draft that it counts for, in all fleets of the ceremony. What is shown is read here from
            the exact bytes that are signed, not from the server's word.

            With another tool: --to-sign DIR writes the exact bytes, one file for each draft; --signature FILE --key PUB
            takes what the tool made, raw or hexadecimal.
            """)
    @Argument(help: "The ceremony's number; not with --draft.") var id: Int64?
    @Option(help: ArgumentHelp("Your private key; once for each. With --signature the public key.", valueName: "uri"))
    var key: [String] = []
    @Option(help: ArgumentHelp("An exported ceremony, to be signed without a server.", valueName: "file"))
    var draft: String?
    @Option(help: ArgumentHelp("Where to write the exported ceremony with your signatures.", valueName: "file"))
    var out: String?
    @Option(help: ArgumentHelp("Only write the bytes to sign into this directory.", valueName: "dir"))
    var toSign: String?
    @Option(help: ArgumentHelp("A signature that another tool made; once for each.", valueName: "file"))
    var signature: [String] = []
    @OptionGroup var keys: KeyOptions
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var roots: RootOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (id == nil) != (draft == nil) else { throw ValidationError("give a ceremony's number, or --draft FILE") }
        guard (draft != nil && toSign == nil) == (out != nil) else {
            throw ValidationError("--draft needs --out FILE, where the signatures go, and only --draft does")
        }
        guard toSign != nil || !key.isEmpty else { throw ValidationError("give --key URI at least once") }
    }

    func run() async throws {
        if let draft {
            try await runOffline(try CeremonyFile.read(draft))
        } else if let id {
            try await connection.withClient { client in
                try await runOnline(try await client.get("/v1/ceremonies/\(id)"), client)
            }
        }
    }

    private func runOnline(_ ceremony: CeremonyBody, _ client: APIClient) async throws {
        let followed = try await ceremony.followedRoots(client, accepted: roots.acceptRoot)
        guard let signatures = try await signatures(for: ceremony, pins: { followed[$0] }) else { return }
        let store = try ProfileStore()
        try ceremony.remember(signatures, following: followed, in: store)
        let answer: CeremonyBody = try await client.send(
            .post, "/v1/ceremonies/\(ceremony.id)/signatures", CeremonySignaturesRequest(signatures: signatures))
        try connection.show(answer, text: CeremonyCommand.describe)
    }

    private func runOffline(_ ceremony: CeremonyBody) async throws {
        // A machine without a home directory remembers nothing.
        let store = try? ProfileStore()
        guard let signatures = try await signatures(for: ceremony, pins: { try store?.pinnedRoot(fleetID: $0) }),
            let out
        else { return }
        try CeremonyFile.write(ceremony.adding(signatures), to: out)
        Terminal.note("\(signatures.count) signature(s) in \(out)")
        Terminal.note("next, where the server can be reached: roadstead ceremony import \(ceremony.id) \(out)")
    }

    /// Shows what is to be signed and signs it; nil where only the bytes were asked for.
    private func signatures(
        for ceremony: CeremonyBody, pins: (String) throws -> ProfileStore.PinnedRoot?
    ) async throws -> [DraftSignatureBody]? {
        let drafts = try DraftToSign.open(in: ceremony, pins: pins)
        guard !drafts.isEmpty else {
            let states = ceremony.fleets.map { "\($0.fleet): \($0.state)" }.joined(separator: ", ")
            throw RemoteError(.refused, "nothing of ceremony \(ceremony.id) is open to sign (\(states))")
        }
        if let toSign {
            show(drafts)
            try Self.export(drafts, to: toSign)
            return nil
        }
        return signature.isEmpty ? try await own(drafts, ceremony) : try await foreign(drafts)
    }

    private func own(_ drafts: [DraftToSign], _ ceremony: CeremonyBody) async throws -> [DraftSignatureBody] {
        var work: [(signer: any Signer, key: Key, draft: DraftToSign)] = []
        for uri in key {
            let signer = try await keys.signer(uri)
            let listed = try Key(signer.publicKey)
            let own = drafts.filter { $0.counts(listed) }
            guard !own.isEmpty else { throw Self.countsForNothing(uri, listed, drafts) }
            work += own.map { (signer, listed, $0) }
        }
        let signed = drafts.filter { draft in work.contains { $0.draft.body.id == draft.body.id } }
        show(signed, own: Set(work.map(\.key.id)))
        for item in work { Terminal.note("key \(item.key.id.text) signs \(item.draft.name)") }
        guard yes || Terminal.confirms("sign \(signed.count) draft(s) of ceremony \(ceremony.id)?") else {
            throw RemoteError(.usage, "nothing was signed: signing was not confirmed", hint: "answer y, or give --yes")
        }
        var signatures: [DraftSignatureBody] = []
        for item in work { signatures.append(try await item.draft.signature(by: item.signer, item.key)) }
        return signatures
    }

    private func foreign(_ drafts: [DraftToSign]) async throws -> [DraftSignatureBody] {
        var given: [Key] = []
        for uri in key { given.append(try Key(try await keys.publicKey(of: uri))) }
        return try signature.map { path in
            let bytes = try SignatureFile.read(path)
            for draft in drafts {
                for key in given { if let taken = draft.signature(bytes, by: key) { return taken } }
            }
            throw RemoteError(
                .refused, "\(path) is no signature of the given key over a draft that it counts for",
                hint:
                    "sign exactly the bytes that --to-sign writes: Ed25519 over them, P-256 with SHA-256 and P-384 with "
                    + "SHA-384 in DER form, RSA as PSS with SHA-256 and a salt of 32 bytes")
        }
    }

    /// Each distinct difference once, with the fleets that it is about.
    private func show(_ drafts: [DraftToSign], own: Set<KeyID> = []) {
        var shown: [(role: String, lines: [String], fleets: [FleetName])] = []
        for draft in drafts {
            let same = shown.firstIndex { $0.role == draft.body.role && $0.lines == draft.difference }
            if let same {
                shown[same].fleets.append(draft.fleet.fleet)
            } else {
                shown.append((draft.body.role, draft.difference, [draft.fleet.fleet]))
            }
        }
        for entry in shown {
            let fleets = entry.fleets.map(\.rawValue).joined(separator: ", ")
            Terminal.note("\(CeremonyCommand.words(entry.role)) of \(fleets):")
            for line in entry.lines { Terminal.note("  \(line)") }
        }
        var fleets: Set<FleetName> = []
        for draft in drafts where fleets.insert(draft.fleet.fleet).inserted {
            for line in draft.holderLines(own: own) { Terminal.note(line) }
        }
    }

    private static func export(_ drafts: [DraftToSign], to directory: String) throws {
        try Files.createDirectory(directory)
        for draft in drafts {
            let path = "\(directory)/\(draft.fleet.fleet).\(draft.body.version).\(draft.body.role).tosign"
            try Files.write(draft.bytes, to: path)
            Terminal.show(path)
        }
    }

    private static func countsForNothing(_ uri: String, _ key: Key, _ drafts: [DraftToSign]) -> RemoteError {
        let ids = Set(drafts.flatMap(\.keyIDs)).sorted().joined(separator: ", ")
        return RemoteError(
            .usage, "\(uri) is key \(key.id), which counts for nothing here", hint: "the keys that count: \(ids)")
    }
}

extension CeremonyBody {
    /// Keeps what was signed here, so that `close` can tell whether that is what was published, and what it follows.
    func remember(
        _ signatures: [DraftSignatureBody], following roots: [String: ProfileStore.PinnedRoot] = [:],
        in store: ProfileStore
    ) throws {
        let signed = Set(signatures.map(\.draft))
        for fleet in fleets {
            let id = fleet.fleetID.rawValue
            for draft in fleet.drafts where signed.contains(draft.id) {
                let digest = ServedRoots.digest(try Base64.decode(draft.toSign))
                try store.remember(.init(version: draft.version, sha256: digest), fleetID: id, role: draft.role)
                if let root = roots[id] { try store.pin(root, fleetID: id) }
            }
        }
    }
}

/// A signature in a file: its raw bytes, or those in hexadecimal.
enum SignatureFile {
    private static let limit = 8_192

    static func read(_ path: String) throws -> [UInt8] {
        let bytes = try Files.read(path, limit: limit)
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return (try? Hex.decode(text.lowercased())) ?? bytes
    }
}
