import Envelopes
import Files
import OCI
import SigningKeys
import TrustModel

/// A file that is signed as it is, and the signature beside it.
enum BlobFile {
    /// Reads a file of any size once and hashes it every way that signatures may ask for.
    static func read(_ path: String, mediaType: String?) throws -> Blob {
        var short = StreamingHash(.sha256)
        var middle = StreamingHash(.sha384)
        var long = StreamingHash(.sha512)
        let size = try Files.readPieces(path) { piece in
            short.update(piece)
            middle.update(piece)
            long.update(piece)
        }
        return Blob(
            size: size, mediaType: mediaType,
            digests: [
                Digest(hashed: short.finish(), algorithm: .sha256),
                Digest(hashed: middle.finish(), algorithm: .sha384),
                Digest(hashed: long.finish(), algorithm: .sha512),
            ])
    }

    /// `FILE.jws.sig` or `FILE.cose.sig`, as notation names them, beside the file or in another directory.
    static func signaturePath(of path: String, _ format: EnvelopeFormat, directory: String?) -> String {
        (directory.map { "\($0)/\(Files.name(of: path))" } ?? path) + ".\(format.rawValue).sig"
    }

    /// The signature that is named, or the one that lies beside the file, and its format by its name.
    static func signature(of path: String, named name: String?) throws -> (path: String, format: EnvelopeFormat) {
        if let name {
            guard let format = EnvelopeFormat.allCases.first(where: { name.hasSuffix(".\($0.rawValue).sig") }) else {
                throw CommandError(
                    .usage, "the name \(name) does not say what the signature's format is",
                    hint: "signatures are named FILE.jws.sig or FILE.cose.sig")
            }
            return (name, format)
        }
        let beside = EnvelopeFormat.allCases.map { (signaturePath(of: path, $0, directory: nil), $0) }
            .filter { Files.exists($0.0) }
        guard let found = beside.first, beside.count == 1 else {
            throw CommandError(
                .usage,
                beside.isEmpty ? "no signature lies beside \(path)" : "more than one signature lies beside \(path)",
                hint: "name one with --signature")
        }
        return found
    }
}
