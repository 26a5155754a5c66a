/// A password that no print, log or mirror shows.
package struct DatabasePassword: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { "<password>" }
    package var debugDescription: String { "<password>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
