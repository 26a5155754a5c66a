/// An error that says what was being done, what was found and the way out.
///
/// Each module has one type of its own that conforms. `description` is safe to log: it never carries secrets, SQL or bytes.
package protocol Problem: Error, CustomStringConvertible, Equatable {
    associatedtype Code: RawRepresentable<String>, Hashable, Sendable

    /// The stable word for the module in identifiers, such as `codecs`.
    static var module: String { get }
    /// What went wrong, as a stable word that tests, the API and the CLI show.
    var code: Code { get }
    /// What was being done and what was found: lower case start, no full stop, never a secret.
    var reason: String { get }
    /// The way out, where there is one.
    var hint: String? { get }
}

extension Problem {
    package var hint: String? { nil }

    /// The stable name of this kind of error, such as `codecs.duplicate-key`.
    package var identifier: String { "\(Self.module).\(code.rawValue)" }

    package var description: String {
        guard let hint else { return reason }
        return "\(reason) (hint: \(hint))"
    }

    /// Two problems are equal when they are of one kind; the wording does not count.
    package static func == (lhs: Self, rhs: Self) -> Bool { lhs.code == rhs.code }
}
