import Codecs
import Envelopes
import Files
import OCI
import PKI
import SigningKeys
import TrustModel

/// `roadstead blob …`: signatures on files that lie in no registry.
enum BlobCommands {
    private static let mediaType = Option.value(
        "media-type", "TYPE", "what the file is (default when signing: \(Blob.standardMediaType))")

    static let sign = Command(
        "blob sign", "sign a file; the signature lies beside it", operand: "FILE",
        options: [
            mediaType,
            .value("signature-directory", "DIR", "where the signature goes (default: beside the file)"),
            .flag("force", "replace a signature that is there"),
        ] + SigningRequest.options + [Output.option],
        discussion: """
            The signature is FILE.jws.sig or FILE.cose.sig, in the form that notation blob verify reads. The file may be of
            any size; its digest is made with the hash of the key's algorithm.
            \(Timestamping.discussion)
            """,
        examples: [
            "roadstead blob sign --key file:team.key --certificate-chain team.pem release.tar.gz",
            "roadstead blob sign --key file:team.key --certificate-chain team.pem --format cose -m build=42 sbom.json",
        ], needsMore: Timestamping.isAsked, run: runSign)

    static let verify = Command(
        "blob verify", "verify a file by the signature beside it", operand: "FILE",
        options: [
            .value("signature", "SIGNATURE", "the signature (default: FILE.jws.sig or FILE.cose.sig)"),
            .value("config", "DIR", required: true, "a Notation configuration directory, with trustpolicy.blob.json"),
            .value("policy-name", "NAME", "the policy's statement that applies (default: the global one)"),
            mediaType,
            .repeated("user-metadata", "KEY=VALUE", short: "m", "something the signature must state; may be repeated"),
            Output.option,
        ],
        discussion: """
            The rules are those of the Notary Project specification. The media type is compared where it is given.
            """,
        examples: [
            "roadstead blob verify --config ~/.config/notation release.tar.gz",
            "roadstead blob verify --config conf --policy-name release --signature r.jws.sig -m build=42 release.tar.gz",
        ], run: runVerify)

    private static func runSign(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output = try Output(invocation)
        let file = try invocation.operand("file")
        let type = try mediaType(invocation) ?? Blob.standardMediaType
        let format: EnvelopeFormat = try invocation.choice("format", default: .jws)
        let path = BlobFile.signaturePath(of: file, format, directory: invocation["signature-directory"])
        guard invocation.has("force") || !Files.exists(path) else {
            throw CommandError(
                .environment, "\(path) exists", hint: "--force replaces it, --signature-directory puts it elsewhere")
        }
        let blob = try BlobFile.read(file, mediaType: type)
        let request = try await SigningRequest(invocation, console, reach)
        let digest = blob.digest(by: request.hash).description
        let envelope = try await request.envelope(mediaType: type, digest: digest, size: blob.size)
        try Files.write(envelope, to: path)
        let signer = request.chain[0].subjectText
        switch output {
        case .text:
            console.print("signed \(digest) as \(signer)")
            console.print("signature \(path)")
        case .json, .yaml:
            let result = JSONObject([
                ("file", .string(file)), ("mediaType", .string(type)), ("digest", .string(digest)),
                ("size", .integer(blob.size)), ("signature", .string(path)), ("signer", .string(signer)),
            ])
            console.show(.object(result), as: output)
        }
        return .success
    }

    private static func runVerify(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output = try Output(invocation)
        let file = try invocation.operand("file")
        let metadata = try invocation.pairs("user-metadata")
        let configuration = NotationConfiguration(try invocation.required("config"))
        let name = invocation["policy-name"]
        let signature = try BlobFile.signature(of: file, named: invocation["signature"])
        let blob = try BlobFile.read(file, mediaType: try mediaType(invocation))
        guard let statement = try configuration.blobPolicy().statement(named: name) else {
            let what = name.map { "no trust policy statement for blobs has the name \"\($0)\"" }
            throw CommandError(
                .environment, what ?? "no trust policy statement for blobs is global",
                hint: "name a statement of trustpolicy.blob.json with --policy-name")
        }
        let envelope = try Files.read(signature.path, limit: EnvelopeFormat.maximumBytes)
        let verdict = BlobVerifier(policy: statement.policy(load: configuration.trustStore), now: console.now)
            .verify(blob, envelope: envelope, format: signature.format, metadata: metadata)
        switch output {
        case .text: VerdictText(verdict, scope: file).show(on: console)
        case .json, .yaml: console.show(verdict.json, as: output)
        }
        return verdict.isAccepted ? .success : .rejected
    }

    /// A media type as a descriptor may have it.
    private static func mediaType(_ invocation: Invocation) throws(CommandError) -> String? {
        guard let type = invocation["media-type"] else { return nil }
        guard type.utf8.count <= 255, type.utf8.contains(UInt8(ascii: "/")),
            type.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw CommandError(.usage, "--media-type is \"\(type.prefix(80))\", not a media type such as a/b") }
        return type
    }
}
