package import Codecs
import Envelopes

/// What SLSA provenance says, whichever version it is written in. [SLSA provenance v1, v0.2]
package struct Provenance: Sendable {
    package let builder: String
    package let buildType: String
    /// Every place that names the source, without `git+` and `.git`; several must all be trusted.
    package let repositories: Set<String>
    package let refs: Set<String>
    package let parameters: JSON
    package let finished: UTCDate?

    package static let versionOne = "https://slsa.dev/provenance/v1"
    package static let versionZeroTwo = "https://slsa.dev/provenance/v0.2"

    package init(_ statement: Statement) throws(CriteriaError) {
        do throws(CodecError) {
            if statement.predicateType == Self.versionOne {
                try self.init(versionOne: statement.predicate)
            } else {
                try self.init(versionZeroTwo: statement.predicate)
            }
        } catch {
            throw CriteriaError(.predicate, "the provenance: \(error.reason)")
        }
    }

    private init(versionOne predicate: JSONObject) throws(CodecError) {
        let definition = try predicate.object("buildDefinition", in: "predicate")
        let run = try predicate.object("runDetails", in: "predicate")
        builder = try run.object("builder", in: "runDetails").string("id", in: "runDetails.builder")
        buildType = try definition.string("buildType", in: "buildDefinition")
        let external = try definition.object("externalParameters", in: "buildDefinition")
        parameters = .object(external)
        finished = try PredicateTime.read("finishedOn", of: run["metadata"]?.objectOrNil)
        var source = SourceReader()
        // Only what the build was asked to build counts: resolved dependencies may be anybody's.
        if let workflow = external["workflow"]?.objectOrNil { source.read(workflow) }
        source.read(external)
        if let place = external["source"] {
            source.read(uri: place.stringOrNil ?? place.objectOrNil?["uri"]?.stringOrNil)
        }
        (repositories, refs) = (source.repositories, source.refs)
    }

    private init(versionZeroTwo predicate: JSONObject) throws(CodecError) {
        builder = try predicate.object("builder", in: "predicate").string("id", in: "builder")
        buildType = try predicate.string("buildType", in: "predicate")
        let invocation = predicate["invocation"]?.objectOrNil ?? JSONObject()
        parameters = invocation["parameters"] ?? .object(JSONObject())
        finished = try PredicateTime.read("buildFinishedOn", of: predicate["metadata"]?.objectOrNil)
        var source = SourceReader()
        source.read(uri: invocation["configSource"]?.objectOrNil?["uri"]?.stringOrNil)
        (repositories, refs) = (source.repositories, source.refs)
    }

    /// A repository's address as it is compared: without `git+`, `.git` and a slash at the end.
    package static func plain(_ repository: String) -> String {
        var text = Substring(repository)
        if text.hasPrefix("git+") { text = text.dropFirst(4) }
        while text.hasSuffix("/") { text = text.dropLast() }
        if text.hasSuffix(".git") { text = text.dropLast(4) }
        return String(text)
    }
}

/// Gathers the repositories and refs that provenance names.
private struct SourceReader {
    var repositories: Set<String> = []
    var refs: Set<String> = []

    mutating func read(_ object: JSONObject) {
        if let text = object["repository"]?.stringOrNil { read(uri: text) }
        if let text = object["ref"]?.stringOrNil { refs.insert(text) }
    }

    /// `git+https://host/path@refs/heads/main`; a host's own `user@` stands before its first slash.
    mutating func read(uri: String?) {
        guard let uri else { return }
        let slash = uri.lastIndex(of: "/")
        let path = uri.range(of: "://").flatMap { scheme in
            uri[scheme.upperBound...].firstIndex(of: "/")
        }
        guard let at = uri.lastIndex(where: { $0 == "@" }), let path, at > path else {
            if slash != nil || !uri.isEmpty { repositories.insert(Provenance.plain(uri)) }
            return
        }
        // A ref has slashes of its own, so the first @ after the host's slash ends the repository.
        let first = uri[path...].firstIndex(of: "@") ?? at
        repositories.insert(Provenance.plain(String(uri[..<first])))
        refs.insert(String(uri[uri.index(after: first)...]))
    }
}

/// Times inside predicates.
enum PredicateTime {
    static func read(_ name: String, of object: JSONObject?) throws(CodecError) -> UTCDate? {
        guard let value = object?[name], value != .null else { return nil }
        return try TimeText.date(try value.string(name))
    }
}

extension String {
    /// The first place of a text, without Foundation.
    fileprivate func range(of other: String) -> Range<String.Index>? { firstRange(of: other) }
}
