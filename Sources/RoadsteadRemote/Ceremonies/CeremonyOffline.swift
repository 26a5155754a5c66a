import ArgumentParser
import Codecs
import Files
import Foundation
import RoadsteadWire
import TrustModel

struct CeremonyExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a ceremony to a file, to be signed on a machine without a network.")
    @Argument(help: "The ceremony's number.") var id: Int64
    @Argument(help: "The file.") var file: String
    @OptionGroup var roots: RootOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let body = try await connection.withClient { client in
            let body: CeremonyBody = try await client.get("/v1/ceremonies/\(id)")
            let followed = try await body.followedRoots(client, accepted: roots.acceptRoot)
            _ = try DraftToSign.open(in: body, pins: { followed[$0] })
            return body
        }
        try CeremonyFile.write(body, to: file)
        Terminal.note("there: roadstead ceremony sign --draft \(file) --key … --out \(file).signed")
        try connection.show(body, text: CeremonyCommand.describe)
    }
}

struct CeremonyImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Hand in the signatures of a file that was signed elsewhere.")
    @Argument(help: "The ceremony's number.") var id: Int64
    @Argument(help: "The file.") var file: String
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let signed = try CeremonyFile.read(file)
        guard signed.id == id else {
            throw RemoteError(.usage, "\(file) holds ceremony \(signed.id), not \(id)")
        }
        let answer: CeremonyBody = try await connection.withClient { client in
            let present: CeremonyBody = try await client.get("/v1/ceremonies/\(id)")
            let new = try Self.new(in: signed, after: present)
            try signed.remember(new, in: try ProfileStore())
            return try await client.send(
                .post, "/v1/ceremonies/\(id)/signatures", CeremonySignaturesRequest(signatures: new))
        }
        try connection.show(answer, text: CeremonyCommand.describe)
    }

    /// The signatures that the server lacks, over drafts that are the same on both sides.
    private static func new(in signed: CeremonyBody, after present: CeremonyBody) throws -> [DraftSignatureBody] {
        let known = present.fleets.flatMap(\.drafts)
        let new = try signed.fleets.flatMap(\.drafts).flatMap { draft in
            guard let other = known.first(where: { $0.id == draft.id }), other.toSign == draft.toSign else {
                throw RemoteError(
                    .mismatch, "the server's draft \(draft.id) is not the one that was signed",
                    hint: "export the ceremony again and compare; find out who changed it")
            }
            return draft.signatures.filter { !other.signatures.contains($0) }
        }
        guard !new.isEmpty else {
            throw RemoteError(
                .refused, "the file holds no signature that the server lacks",
                hint: "roadstead ceremony sign --draft FILE --key … --out FILE")
        }
        return new
    }
}

/// An exported ceremony: the exact bytes to sign, what they are compared with, and the signatures so far.
enum CeremonyFile {
    private static let limit = 64 << 20

    static func read(_ path: String) throws -> CeremonyBody {
        try JSON(parsing: try Files.read(path, limit: limit), limits: JSONLimits(bytes: limit, depth: 32))
            .decode(CeremonyBody.self, place: path, unknownMembers: .refused)
    }

    static func write(_ body: CeremonyBody, to path: String) throws {
        try Files.write(Array(try JSON(encoding: body).prettyText.utf8), to: path)
    }
}

extension CeremonyBody {
    /// The same with further signatures.
    func adding(_ signatures: [DraftSignatureBody]) -> CeremonyBody {
        CeremonyBody(
            id: id, note: note, created: created, expires: expires,
            fleets: fleets.map { fleet in
                CeremonyFleetBody(
                    fleet: fleet.fleet, fleetID: fleet.fleetID, state: fleet.state, startsOver: fleet.startsOver,
                    targetsOnline: fleet.targetsOnline, release: fleet.release, reason: fleet.reason, root: fleet.root,
                    drafts: fleet.drafts.map { draft in draft.adding(signatures.filter { $0.draft == draft.id }) },
                    keys: fleet.keys)
            })
    }
}

extension MetadataDraftBody {
    fileprivate func adding(_ new: [DraftSignatureBody]) -> MetadataDraftBody {
        let kept = signatures.filter { old in !new.contains { $0.keyID == old.keyID } }
        return MetadataDraftBody(
            id: id, role: role, version: version, baseSHA256: baseSHA256, base: base, toSign: toSign, files: files,
            oldFiles: oldFiles, difference: difference, keyIDs: keyIDs, signatures: kept + new, missing: missing)
    }
}
