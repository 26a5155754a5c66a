import ArgumentParser
import Codecs
import Files
import PKI
import RoadsteadPublish
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

extension ChangeCommand {
    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign what a change brings, for a team that signs itself, after it has been shown.",
            discussion: """
                What is shown is read here from the exact bytes that are signed, not from the server's word: what they
                change, and every anchor that they leave. The policy is left out where it stays what you signed last.

                roadstead change sign C-12 --key file:mine.key
                roadstead change sign C-12 --to-sign FILE                              exports the bytes for another tool
                roadstead change sign C-12 --signature FILE --key file:mine.pub        brings its signature in
                """)
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber?
        @Option(help: "A draft by its own number, where it came of no change.") var draft: Int64?
        @Option(help: ArgumentHelp("Your key: private to sign, public with --signature.", valueName: "uri"))
        var key: String?
        @Option(help: ArgumentHelp("Write the exact bytes here and sign nothing.", valueName: "file"))
        var toSign: String?
        @Option(help: ArgumentHelp("A signature made elsewhere: its bytes, or hexadecimal.", valueName: "file"))
        var signature: String?
        @OptionGroup var keys: KeyOptions
        @Flag(help: "Show the policy in any case.") var verbose = false
        @Flag(help: "Do not ask.") var yes = false
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (number == nil) != (draft == nil) else {
                throw ValidationError("give the number of a change, or --draft")
            }
            guard toSign == nil || (key == nil && signature == nil) else {
                throw ValidationError("--to-sign signs nothing, so it goes without --key and --signature")
            }
            guard toSign != nil || key != nil else { throw ValidationError("give --key, or --to-sign") }
        }

        func run() async throws {
            let body = try await connection.withClient { client -> RoleDraftBody in
                let draft: RoleDraftBody = try await client.get(path)
                let holder = try await holder()
                let content = try RoleToSign(draft, holder: holder?.key, verbose: verbose)
                for line in content.summary { Terminal.note(line) }
                guard let holder else {
                    if let toSign { try Files.write(content.bytes, to: toSign, mode: 0o644) }
                    return draft
                }
                let request = try await request(for: content, draft, holder)
                return try await client.send(.post, "/v1/role-drafts/\(draft.id)/signatures", request)
            }
            try connection.show(body, text: describe)
        }

        private var path: String {
            if let number { return "/v1/changes/\(number.value)/role-draft" }
            return "/v1/role-drafts/\(draft ?? 0)"
        }

        /// Whose signature it is to be; the private key is missing where another tool has signed.
        private func holder() async throws -> (key: Key, signer: (any Signer)?)? {
            guard let key else { return nil }
            guard signature == nil else { return (try Key(try await keys.publicKey(of: key)), nil) }
            let signer = try await keys.signer(key)
            return (try Key(signer.publicKey), signer)
        }

        private func request(
            for content: RoleToSign, _ draft: RoleDraftBody, _ holder: (key: Key, signer: (any Signer)?)
        ) async throws -> RoleSignatureRequest {
            let listed = holder.key
            try content.requireHolder(listed, draft)
            guard let signer = holder.signer else {
                return RoleSignatureRequest(
                    keyID: listed.id.text, signature: Hex.encode(try content.signature(signature ?? "", of: listed)))
            }
            guard let scheme = listed.signatureScheme else {
                throw RemoteError(.usage, "a key of type \(signer.publicKey.type) cannot sign for a team")
            }
            guard yes || Terminal.confirms("sign version \(content.role.version) of team \(draft.team)?") else {
                throw RemoteError(
                    .usage, "nothing was signed: signing was not confirmed", hint: "answer y, or give --yes")
            }
            let signature = try await verifiedSignature(by: signer, over: content.bytes, scheme: scheme)
            return RoleSignatureRequest(keyID: listed.id.text, signature: Hex.encode(signature))
        }
    }

    /// What a draft waits for.
    static func describe(_ draft: RoleDraftBody) {
        Terminal.show("draft \(draft.id): version \(draft.version) of team \(draft.team), \(draft.state)")
        if let note = draft.note { Terminal.show("  \(note)") }
        for key in draft.keys {
            let who = key.holder.map { "of \($0)" } ?? "of the server"
            let marks = [
                key.hasSigned ? "signed" : "not signed", key.isRetired ? "retired" : nil,
                key.isNew ? nil : "hands over",
            ]
            Terminal.show("  key \(key.keyID.prefix(16)) \(who): \(marks.compactMap(\.self).joined(separator: ", "))")
        }
        for line in draft.missing { Terminal.show("  missing: \(line)") }
        guard draft.state == "open" else { return }
        if draft.missing.isEmpty {
            Terminal.show("complete; it goes out with the next release")
        } else {
            Terminal.show("until \(draft.expires): roadstead change sign --draft \(draft.id) --key …")
        }
    }
}

/// The exact bytes of a team's next role, and the files that they list, read here.
struct RoleToSign {
    let bytes: [UInt8]
    let role: Targets
    /// What signing says, a line each.
    let summary: [String]

    /// - Parameter holder: who signs. What they have signed before is not shown again, unless it is asked for.
    init(_ draft: RoleDraftBody, holder: Key?, verbose: Bool) throws {
        bytes = try Base64.decode(draft.toSign)
        role = try MetadataDraft<Targets>(toSign: bytes).content
        let foreign = role.targets.keys.first {
            $0.components.first != draft.team.rawValue || $0.components.count != 2
        }
        guard role.version == draft.version, foreign == nil, role.delegations == nil, role.stamp == nil else {
            throw RemoteError(
                .mismatch,
                "the bytes to sign are version \(role.version), naming \(foreign.map { "\($0)" } ?? "other things too"), "
                    + "not version \(draft.version) of team \(draft.team)",
                hint: "sign nothing; find out who changed the server")
        }
        let signed = try draft.base.map { try Self.base(Base64.decode($0), before: draft) }
        let base = signed?.unverifiedContent
        let isOwn = signed.flatMap { signed in holder.map { Self.isSigned(signed, by: $0, draft.team) } } ?? false
        let files = try draft.files.map { BuiltFile(targetPath: $0.path, bytes: try Base64.decode($0.bytes)) }
        let oldFiles = try draft.oldFiles.map { ($0.path, try Base64.decode($0.bytes)) }
        let changes = try TeamRoleDraft.difference(
            of: role, team: draft.team, files: files, base: base,
            oldFiles: Dictionary(oldFiles) { first, _ in first }, anchorLabel: { Self.label($0) })
        summary = try changes + Self.content(role, files.map(\.bytes), before: verbose || !isOwn ? nil : base)
    }

    /// The role before as the server has it: what changes is said against it, and unless the holder has signed it,
    /// nothing is left out for its sake.
    private static func base(_ bytes: [UInt8], before draft: RoleDraftBody) throws -> UnverifiedMetadata<Targets> {
        let base = try UnverifiedMetadata<Targets>(bytes, maximumBytes: PublishingLimits.targetsBytes)
        let version = base.unverifiedContent.version
        guard version < draft.version else {
            throw RemoteError(
                .mismatch, "version \(draft.version) of team \(draft.team) does not follow version \(version)",
                hint: "sign nothing; find out who changed the server")
        }
        return base
    }

    private static func isSigned(_ role: UnverifiedMetadata<Targets>, by key: Key, _ team: TeamName) -> Bool {
        let own = try? TeamQuorum(key).quorum(of: team.rawValue)
        return own.map { (try? $0.verify(role)) != nil } ?? false
    }

    /// Signs are made with a key that the draft asks for.
    func requireHolder(_ key: Key, _ draft: RoleDraftBody) throws {
        guard draft.keys.contains(where: { $0.keyID == key.id.text }) else {
            throw RemoteError(
                .usage, "key \(key.id.text.prefix(16)) does not sign for team \(draft.team)",
                hint: "roadstead team custody show \(draft.team)")
        }
    }

    /// A signature of another tool, verified here before it is sent.
    func signature(_ path: String, of key: Key) throws -> [UInt8] {
        let raw = try Files.read(path, limit: 16_384)
        let text = String(decoding: raw.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }, as: UTF8.self).lowercased()
        guard case .verifies(let material, let scheme) = key.use else {
            throw RemoteError(.usage, "the key cannot sign for a team", hint: "use Ed25519, P-256, P-384 or RSA")
        }
        let candidates = [raw, try? Hex.decode(text)].compactMap(\.self)
        guard let signature = candidates.first(where: { material.isValid(signature: $0, over: bytes, scheme: scheme) })
        else {
            throw RemoteError(
                .mismatch, "\(path) holds no signature of that key over the bytes that are to be signed now",
                hint: "export them again with --to-sign, and sign them with \(key.scheme)")
        }
        return signature
    }

    /// Every anchor that is signed, a line each, and the policy where it is not the one before.
    private static func content(_ role: Targets, _ files: [[UInt8]], before base: Targets?) throws -> [String] {
        var lines = ["what is signed:"]
        for (name, listed) in role.targets.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            guard let bytes = files.first(where: { (try? listed.check($0)) != nil }) else {
                throw RemoteError(
                    .mismatch, "the server does not show what \(name) is", hint: "sign nothing that you have not seen")
            }
            if "\(name)".hasSuffix(".pem") {
                lines += try anchors(in: bytes).map { "  \(name): \($0)" }
            } else if base?.targets[name] == listed {
                lines.append("  \(name): as before")
            } else {
                lines.append("  \(name):")
                lines += try JSON(parsing: bytes).prettyText.split(separator: "\n").map { "    \($0)" }
            }
        }
        return lines
    }

    private static func anchors(in bytes: [UInt8]) throws -> [String] {
        guard !bytes.isEmpty else { return ["no anchors: what needs this store is rejected"] }
        return try PEM.decode(bytes).map { block in
            _ = try Certificate(der: block.bytes)
            return label(block.bytes)
        }
    }

    private static func label(_ der: [UInt8]) -> String {
        let digest = "sha256 \(Hex.encode(HashAlgorithm.sha256.digest(of: der)))"
        return (try? Certificate(der: der)).map { "\($0.subject) (\(digest))" } ?? digest
    }
}
