import Envelopes
import PKI

/// What signing commands have in common about time: who vouches for when something was signed.
enum Timestamping {
    static let options: [Option] = [
        .value("timestamp-url", "URL", "have the signature timestamped by this authority (RFC 3161)"),
        .value("timestamp-root", "FILE", "PEM: the root that the authority's certificate must lead to"),
        .value(
            "signing-scheme", "SCHEME",
            "notary.x509, or notary.x509.signingAuthority where the signer's own time is to be believed (default: notary.x509)"
        ),
    ]

    static let discussion = """
        With --timestamp-url the signature counts after its certificate has expired, where the policy names a tsa store.
        Nothing is written unless the timestamp is for this signature and leads to --timestamp-root.
        """

    /// Whether a command line needs the network for its timestamp.
    static func isAsked(_ invocation: Invocation) -> Bool { invocation.has("timestamp-url") }

    /// What writes the envelope that a command line asks for.
    static func writer(_ format: EnvelopeFormat, _ invocation: Invocation, _ reach: Reach) throws -> EnvelopeWriter {
        let scheme: SigningScheme = try invocation.choice("signing-scheme", default: .x509)
        let timestamps = try service(invocation, reach)
        guard timestamps == nil || scheme == .x509 else {
            throw CommandError(
                .usage, "--timestamp-url and --signing-scheme \(scheme.rawValue) exclude each other",
                hint: "a signing authority vouches for the time itself")
        }
        return EnvelopeWriter(
            format: format, signingAgent: "roadstead/\(VersionCommand.version)", scheme: scheme, timestamps: timestamps)
    }

    private static func service(_ invocation: Invocation, _ reach: Reach) throws -> TimestampService? {
        guard let url = invocation["timestamp-url"] else {
            guard !invocation.has("timestamp-root") else {
                throw CommandError(.usage, "--timestamp-root is of no use without --timestamp-url")
            }
            return nil
        }
        try check(url)
        guard let file = invocation["timestamp-root"] else {
            throw CommandError(
                .usage, "--timestamp-root is missing: the root that the authority's certificate must lead to",
                hint: "the authority publishes it; verifiers keep the same root in their tsa store")
        }
        let roots = try CertificateFile.chain(file)
        if let other = roots.first(where: { !$0.isCA || !$0.isSelfSigned }) {
            throw CommandError(
                .environment, "\(file) holds \"\(other.subject.shortDescription)\", which is not a self-signed CA",
                hint: "give the authority's root only; the certificates below it come with the timestamp")
        }
        guard let http = reach.http else {
            throw CommandError(.environment, "this program does not reach time-stamping authorities")
        }
        return TimestampService(url: url, http: http, roots: roots)
    }

    private static func check(_ url: String) throws(CommandError) {
        let rest = ["http://", "https://"].first(where: url.hasPrefix).map { url.dropFirst($0.count) } ?? ""
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.isEmpty, !authority.contains("@"), !url.contains("#"), url.utf8.count <= 2_048,
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw CommandError(
                .usage, "--timestamp-url is \"\(url.prefix(120))\", not an http or https URL without user and password")
        }
    }
}
