import ArgumentParser
import Codecs
import Foundation
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

struct CeremonyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ceremony", abstract: "Make and change a fleet's keys, which never leave their holders.",
        discussion: """
            roadstead ceremony open --fleet F --key file:root.pub --threshold 1   what is to be signed
            roadstead ceremony sign ID --key file:root.key                        each holder, on their own machine
            roadstead ceremony close ID                                           checks and remembers the result
            """,
        subcommands: [Open.self, Show.self, Sign.self, Close.self])

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Draw up new fleet keys for signing.")
        @Option(help: "The fleet.", transform: FleetName.init) var fleet: FleetName
        @Option(
            help: ArgumentHelp("A key that will hold the fleet, public or private; once for each.", valueName: "uri"))
        var key: [String]
        @Option(help: "How many of them must sign.") var threshold = 1
        @OptionGroup var keys: KeyOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            var publicKeys: [JSON] = []
            for uri in key { publicKeys.append(try Key(try await keys.publicKey(of: uri)).json) }
            let body = RootDraftRequest(keys: publicKeys, threshold: threshold)
            let draft: RootDraftBody = try await connection.withClient {
                try await $0.send(.post, "/v1/fleets/\(fleet)/root-drafts", body)
            }
            try connection.show(draft, text: describe)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a ceremony and what it still needs.")
        @Argument var id: Int64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let draft: RootDraftBody = try await connection.withClient { try await $0.get("/v1/root-drafts/\(id)") }
            try connection.show(draft, text: describe)
        }
    }

    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign with a key of yours, after what it does has been shown.",
            discussion: "What is shown is read here from the exact bytes that are signed, not from the server's word.")
        @Argument var id: Int64
        @Option(help: ArgumentHelp("Your private key.", valueName: "uri")) var key: String
        @OptionGroup var keys: KeyOptions
        @Flag(help: "Do not ask.") var yes = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let signer = try await keys.signer(key)
            let signed = try await connection.withClient { client -> RootDraftBody in
                let draft: RootDraftBody = try await client.get("/v1/root-drafts/\(id)")
                let content = try RootToSign(draft)
                for line in content.summary(holding: signer.publicKey) { Terminal.note(line) }
                guard
                    yes || Terminal.confirms("sign fleet keys version \(content.root.version) of fleet \(draft.fleet)?")
                else {
                    throw RemoteError(
                        .usage, "nothing was signed: signing was not confirmed", hint: "answer y, or give --yes")
                }
                let body = try await content.signature(by: signer)
                return try await client.send(.post, "/v1/root-drafts/\(id)/signatures", body)
            }
            try connection.show(signed, text: describe)
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that the fleet serves what was signed, and remember its digest here.")
        @Argument var id: Int64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let pinned = try await connection.withClient { client -> ProfileStore.PinnedRoot in
                let draft: RootDraftBody = try await client.get("/v1/root-drafts/\(id)")
                guard draft.state == "closed" else {
                    throw RemoteError(
                        .refused, "ceremony \(id) is \(draft.state): \(draft.missing.joined(separator: "; "))",
                        hint: "roadstead ceremony sign \(id) --key …")
                }
                let content = try RootToSign(draft)
                let bytes = try await client.file("/fleets/\(draft.fleet)/metadata/\(draft.version).root.json")
                let served = try UnverifiedMetadata<Root>(bytes, maximumBytes: 512_000)
                guard served.signedBytes == content.bytes else {
                    throw RemoteError(
                        .mismatch, "the server's fleet keys version \(draft.version) are not what was signed")
                }
                let root = ProfileStore.PinnedRoot(
                    version: draft.version, sha256: Hex.encode(HashAlgorithm.sha256.digest(of: bytes)))
                try ProfileStore().pin(root, fleetID: draft.fleetID.rawValue)
                return root
            }
            try connection.show(pinned) { Terminal.show("fleet keys version \($0.version), sha256 \($0.sha256)") }
        }
    }

    private static func describe(_ draft: RootDraftBody) {
        Terminal.show(
            "ceremony \(draft.id): fleet keys version \(draft.version) of fleet \(draft.fleet), \(draft.state)")
        for line in draft.difference { Terminal.show("  \(line)") }
        for line in draft.missing { Terminal.show("  missing: \(line)") }
        if draft.state == "open" { Terminal.show("next: roadstead ceremony sign \(draft.id) --key file:…") }
        if draft.state == "closed" { Terminal.show("next: roadstead ceremony close \(draft.id)") }
    }
}

/// The exact bytes of a ceremony, read here.
private struct RootToSign {
    let bytes: [UInt8]
    let root: Root

    init(_ draft: RootDraftBody) throws {
        bytes = try Base64.decode(draft.toSign)
        root = try MetadataDraft<Root>(toSign: bytes).content
        guard root.version == draft.version, root.stamp?.fleet == draft.fleetID.rawValue else {
            throw RemoteError(
                .mismatch,
                "the bytes to sign are version \(root.version) of fleet \(root.stamp?.fleet ?? "nobody"), not what was asked for",
                hint: "sign nothing; find out who changed the server")
        }
    }

    func summary(holding key: PublicKey) -> [String] {
        var lines = ["fleet keys version \(root.version), valid until \(root.expires)"]
        for role in TopLevelRole.allCases {
            let keys = root[role]
            lines.append("\(role.rawValue): \(keys.threshold) of \(keys.keyIDs.count)")
            for id in keys.keyIDs {
                let mine = root.keys.key(listedAs: id)?.material == key
                lines.append("  \(id.text)\(mine ? " (yours)" : "")")
            }
        }
        return lines
    }

    func signature(by signer: some Signer) async throws -> RootSignatureRequest {
        guard let scheme = try Key(signer.publicKey).signatureScheme else {
            throw RemoteError(
                .usage, "a key of type \(signer.publicKey.type) cannot hold a fleet", hint: "use Ed25519 or P-256")
        }
        let signature = try await verifiedSignature(by: signer, over: bytes, scheme: scheme)
        return RootSignatureRequest(keyID: try Key(signer.publicKey).id.text, signature: Hex.encode(signature))
    }
}
