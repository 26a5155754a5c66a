import Codecs
import Foundation
import RoadsteadCommand

/// How answers are shown.
enum OutputFormat: String, CaseIterable, Sendable {
    case text, json, yaml
}

/// Data goes to standard output, everything else to standard error.
enum Terminal {
    static func show(_ text: String) { print(text) }

    static func show(_ value: some Encodable) throws { print(try JSON(encoding: value).prettyText, terminator: "") }

    static func showYAML(_ value: some Encodable) throws { showWhole(YAMLText.text(try JSON(encoding: value))) }

    /// Text that brings its own line ends.
    static func showWhole(_ text: String) { print(text, terminator: "") }

    static func note(_ text: String) { write("roadstead: \(text)\n") }

    static func complain(_ reason: String, hint: String?) {
        write("roadstead: \(reason)\n")
        if let hint { write("hint: \(hint)\n") }
    }

    /// Asks on the terminal; without one the answer is no.
    static func confirms(_ question: String) -> Bool {
        guard isatty(STDIN_FILENO) == 1 else { return false }
        write("\(question) [y/N] ")
        let answer = readLine()?.lowercased()
        return answer == "y" || answer == "yes"
    }

    /// Asks for a line on the terminal; nil where there is no terminal.
    static func ask(_ question: String) -> String? {
        guard isatty(STDIN_FILENO) == 1 else { return nil }
        write(question)
        return readLine()
    }

    /// Asks for a secret on the terminal without showing it; nil where there is no terminal.
    static func askSecretly(_ question: String) -> String? {
        var settings = termios()
        guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        var hidden = settings
        hidden.c_lflag &= ~tcflag_t(ECHO)
        write(question)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
            write("\n")
        }
        return readLine()
    }

    /// Prints rows under headings, cut to the terminal's width.
    static func showTable(_ headings: [String], _ rows: [[String]]) {
        let table = [headings] + rows
        let widths = headings.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        for row in table {
            let cells = zip(row, widths).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
            let line = cells.joined(separator: "  ").trimmingTrailingBlanks()
            print(width.map { String(line.prefix($0)) } ?? line)
        }
    }

    private static var width: Int? {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    private static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

extension String {
    fileprivate func trimmingTrailingBlanks() -> String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
