package import Codecs
import Files
import Glibc

/// What the backends read from around them: the variables that a service's users know, files, the clock.
package struct KeyServiceEnvironment: Sendable {
    private let variables: [String: String]
    let now: @Sendable () -> UTCDate
    let wait: @Sendable (Duration) async throws -> Void

    package init(
        _ variables: [String: String],
        now: @escaping @Sendable () -> UTCDate = { UTCDate(seconds: Int64(time(nil))) },
        wait: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.variables = variables
        self.now = now
        self.wait = wait
    }

    /// A variable's value; an empty one counts as not set.
    subscript(name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// A path below the home directory, where there is one.
    func home(_ path: String) -> String? { self["HOME"].map { "\($0)/\(path)" } }

    /// A secret of one line that goes into a header or a form: its file must be closed to others.
    func secretLine(inFile path: String) throws -> String {
        try Self.checked(String(decoding: try Files.readSecret(path), as: UTF8.self), path)
    }

    /// A token of one line that an orchestrator put there for this program, with the rights it thought right.
    func tokenLine(inFile path: String) throws -> String {
        try Self.checked(
            String(decoding: try Files.read(path, limit: KeyServiceRequest.maximumBytes), as: UTF8.self), path)
    }

    /// The value of a variable that goes into a header or a form.
    func secretLine(_ variable: String) throws -> String? { try self[variable].map { try Self.checked($0, variable) } }

    private static func checked(_ text: String, _ place: String) throws(CloudKeyError) -> String {
        var text = text[...]
        while let last = text.unicodeScalars.last, last == "\n" || last == "\r" { text.unicodeScalars.removeLast() }
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CloudKeyError(.configuration, "\(place) does not hold one line of printable characters")
        }
        return String(text)
    }
}
