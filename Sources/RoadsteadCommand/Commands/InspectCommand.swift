import Codecs
import Files
import OCI
import PKI

/// `roadstead inspect`: shows signatures, certificates and revocation lists without judging them.
enum InspectCommand {
    static let command = Command(
        "inspect", "show an image's signatures, or the certificates or revocation list in a file",
        operand: "[IMAGE…|FILE]",
        options: [ArtifactNames.layout] + ImageRequest.options + [Output.option],
        discussion: """
            Nothing that is shown has been verified against a trust policy; roadstead verify does that. A word that names a
            file is that file, any other an image.
            """,
        examples: [
            "roadstead inspect registry.example.com/acme/app:1.0", "roadstead inspect --oci-layout image@sha256:…",
            "roadstead inspect chain.pem", "roadstead inspect ca.crl",
        ], needsMore: { $0.operands.contains { !isFile($0) } }, run: run)

    private static func run(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let files = invocation.operands.filter(isFile)
        guard !files.isEmpty else {
            return try await SignatureCommands.show(
                try ArtifactNames.all(invocation), .full, invocation, console, reach)
        }
        guard invocation.operands.count == 1, !invocation.has(ArtifactNames.layout.name) else {
            throw CommandError(.usage, "a file is looked at alone, without images and other files")
        }
        let output = try Output(invocation)
        let bytes = try Files.read(files[0], limit: RevocationList.maximumBytes * 3 / 2)
        if let list = try revocationList(in: bytes, files[0]) {
            let view = RevocationListView(list: list)
            if output == .text { view.lines.forEach(console.print) } else { console.show(view.json, as: output) }
            return .success
        }
        let certificates = try CertificateFile.certificates(in: bytes, file: files[0])
        console.show(.array(certificates.map(\.summary)), as: output)
        return .success
    }

    /// The revocation list in a file; nil where it holds something else.
    private static func revocationList(in bytes: [UInt8], _ file: String) throws(CommandError) -> RevocationList? {
        do throws(PKIError) { return try RevocationList(pemOrDER: bytes) } catch {
            guard RevocationList.isMeant(by: bytes) else { return nil }
            throw CommandError(.environment, "\(file) cannot be used: \(error.reason)", hint: error.hint)
        }
    }

    /// References never begin with a slash or a dot, and a repository's name is no file that happens to be there.
    private static func isFile(_ word: String) -> Bool {
        word.hasPrefix("/") || word.hasPrefix(".") || Files.exists(word) || !word.contains("/")
    }
}
