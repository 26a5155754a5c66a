import Files
import OCI

/// How a command line names an artifact: where it lies, and its tag or digest.
enum ArtifactName: Sendable {
    case registry(Reference)
    /// `DIR@DIGEST`
    case layout(directory: String, Digest)

    init(reference text: String) throws {
        let reference = try Reference(text)
        guard reference.tag != nil || reference.digest != nil else {
            throw CommandError(
                .usage, "\(text) names neither a tag nor a digest", hint: "write \(text):TAG or \(text)@sha256:…")
        }
        self = .registry(reference)
    }

    init(layout text: String) throws {
        guard let at = text.lastIndex(of: "@"), at != text.startIndex else {
            throw CommandError(
                .usage, "\"\(text)\" does not name an artifact in a layout",
                hint: "write DIR@sha256:…; the layout's index.json lists the digests")
        }
        self = .layout(directory: String(text[..<at]), try Digest(String(text[text.index(after: at)...])))
    }

    /// As it is shown once it is known which digest is meant; a layout's is the digest alone.
    func shown(_ digest: Digest) -> String {
        switch self {
        case .registry(let reference): "\(reference.scope)@\(digest)"
        case .layout: "\(digest)"
        }
    }

    /// The repository whose trust policy applies; nil for layouts, which have none of their own.
    var scope: String? { if case .registry(let reference) = self { reference.scope } else { nil } }
}

extension ArtifactName: CustomStringConvertible {
    var description: String {
        switch self {
        case .registry(let reference): reference.description
        case .layout(let directory, let digest): "\(directory)@\(digest)"
        }
    }
}

/// The artifacts of a command line: references as operands or, one a line, in a file, and layouts.
enum ArtifactNames {
    static let layout = Option.repeated(
        "oci-layout", "DIR@DIGEST", "an artifact in an OCI image layout; may be repeated")
    static let file = Option.value(
        "file", "FILE", "further images, one reference a line; - for standard input, # begins a comment")

    private static let maximumBytes = 8 << 20
    private static let maximumNames = 10_000

    static func all(_ invocation: Invocation) throws -> [ArtifactName] {
        var names = try invocation.operands.map(ArtifactName.init(reference:))
        names += try invocation.all(layout.name).map(ArtifactName.init(layout:))
        if let file = invocation[Self.file.name] { names += try listed(in: file) }
        guard !names.isEmpty else {
            throw CommandError(
                .usage, "no image is named", hint: "write registry.example.com/team/app:1.0, or --oci-layout DIR@DIGEST"
            )
        }
        guard names.count <= maximumNames else {
            throw CommandError(.usage, "\(names.count) images are named, at most \(maximumNames) at a time")
        }
        return names
    }

    /// Whether a command line leads to a registry.
    static func reachRegistries(_ invocation: Invocation) -> Bool {
        !invocation.operands.isEmpty || invocation.has(file.name)
    }

    private static func listed(in file: String) throws -> [ArtifactName] {
        let bytes =
            file == "-" ? try StandardInput.read(limit: maximumBytes) : try Files.read(file, limit: maximumBytes)
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        return try lines.compactMap { line -> ArtifactName? in
            let word = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = word.first else { return nil }
            guard word.count == 1 else {
                throw CommandError(.usage, "\"\(line.prefix(160))\" in \(file) is more than one reference")
            }
            return try ArtifactName(reference: String(first))
        }
    }
}
