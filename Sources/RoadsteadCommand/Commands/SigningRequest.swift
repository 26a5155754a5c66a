import Codecs
import Envelopes
import PKI
import SigningKeys

/// What every command that signs has in common: the key and its chain, what is stated and for how long, and who vouches
/// for the time. Opened once for everything that one command line signs.
struct SigningRequest: Sendable {
    static let options: [Option] =
        [
            .value("key", "URI", required: true, "the private key that signs, such as file:team.key"),
            .value(
                "certificate-chain", "FILE",
                "PEM: the key's certificate and its issuers up to the root (default: what lies beside the key)"),
            .value("format", "jws|cose", "the envelope's format (default: jws)"),
            .repeated(
                "user-metadata", "KEY=VALUE", short: "m", "something to state about the artifact; may be repeated"),
            .value("expiry", "TIME", "how long the signature counts, such as 24h or 90d (default: for ever)"),
        ] + Timestamping.options + KeyOptions.all + KeyOptions.service

    let format: EnvelopeFormat
    /// The leaf first.
    let chain: [Certificate]
    /// The hash of the algorithm that follows from the key.
    let hash: HashAlgorithm
    private let writer: EnvelopeWriter
    /// What is stated of each artifact.
    let metadata: [String: String]
    private let lifetime: Int64?
    private let signer: any Signer
    private let console: Console
    /// Whether nothing is to be signed; services are asked all the same, and do not sign.
    private let isDryRun: Bool
    /// Where the artifact lies, for a signing service.
    private let image: String?

    init(_ invocation: Invocation, _ console: Console, _ reach: Reach) async throws {
        format = try invocation.choice("format", default: .jws)
        metadata = try Self.metadata(invocation)
        lifetime = try invocation.duration("expiry")
        writer = try Timestamping.writer(format, invocation, reach)
        let key = try await reach.backends(KeyRequest(invocation, console))
            .open(try KeyName(try invocation.required("key")))
        hash = try EnvelopeAlgorithm(usableBy: key.signer).hash
        chain = try CertificateFile.chain(of: key, file: invocation["certificate-chain"], at: console.now)
        signer = key.signer
        self.console = console
        isDryRun = invocation.has(KeyOptions.dryRun.name) && key.name.scheme != .roadstead
        image = invocation[KeyOptions.image.name]
    }

    /// Signs one artifact and returns the envelope, verified.
    ///
    /// - Throws: `KeyError(.dryRun)` where it would be signed, and nothing is to be.
    func envelope(mediaType: String, digest: String, size: Int64) async throws -> [UInt8] {
        guard !isDryRun else { throw KeyError(.dryRun, "this would be signed; a dry run signs nothing") }
        let now = console.now
        let artifact = TargetArtifact(mediaType: mediaType, digest: digest, size: size, annotations: metadata)
        return try await SigningSubject.$image.withValue(image ?? SigningSubject.image) {
            try await writer.sign(
                artifact, chain: chain, signer: AnySigner(signer), at: now, expiry: lifetime.map(now.adding(seconds:)))
        }
    }

    private static func metadata(_ invocation: Invocation) throws(CommandError) -> [String: String] {
        let metadata = try invocation.pairs("user-metadata")
        if let key = metadata.keys.first(where: { $0.hasPrefix("io.cncf.notary") }) {
            throw CommandError(
                .usage, "the metadata key \"\(key)\" is reserved: keys must not begin with io.cncf.notary")
        }
        return metadata
    }
}
