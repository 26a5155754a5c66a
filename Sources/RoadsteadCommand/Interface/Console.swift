package import Codecs
import Glibc
import Problems

/// Where a command's words go and where its surroundings come from: results to standard output, all else to standard error.
package struct Console: Sendable {
    package let now: UTCDate

    package init(now: UTCDate) { self.now = now }

    /// The console of this process, at the time of its clock.
    package static var current: Console {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Console(now: UTCDate(seconds: Int64(time.tv_sec)))
    }

    /// Prints one line of a result.
    package func print(_ text: String) { Self.write(Self.oneLine(text) + "\n", to: STDOUT_FILENO) }

    /// Prints text that ends its own lines.
    package func printText(_ text: String) { Self.write(text, to: STDOUT_FILENO) }

    /// Says something that is no result.
    package func say(_ text: String) { Self.write("roadstead: \(Self.oneLine(text))\n", to: STDERR_FILENO) }

    package func hint(_ text: String?) {
        if let text { Self.write("hint: \(Self.oneLine(text))\n", to: STDERR_FILENO) }
    }

    /// Says what went wrong and the way out.
    package func report(_ error: any Error) {
        if let problem = error as? any Problem {
            say(problem.reason)
            hint(problem.hint)
        } else {
            say("\(error)")
        }
    }

    /// Writes an answer that is an error, for programs that read it.
    func complain(_ json: JSON) { Self.write(json.text + "\n", to: STDERR_FILENO) }

    /// Whether somebody reads along as things are said.
    var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    package func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Asks for a secret on the terminal without showing it; nil where there is no terminal.
    func askSecret(_ prompt: String) -> [UInt8]? {
        let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else { return nil }
        defer { close(terminal) }
        var before = termios()
        guard unsafe tcgetattr(terminal, &before) == 0 else { return nil }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        unsafe tcsetattr(terminal, TCSAFLUSH, &silent)
        defer { unsafe tcsetattr(terminal, TCSAFLUSH, &before) }
        Self.write(prompt, to: terminal)
        var secret: [UInt8] = []
        var byte: UInt8 = 0
        while secret.count < 4_096, unsafe read(terminal, &byte, 1) == 1, byte != UInt8(ascii: "\n") {
            secret.append(byte)
        }
        Self.write("\n", to: terminal)
        return secret
    }

    /// Asks on the terminal; nil where there is none.
    func confirms(_ question: String) -> Bool? {
        let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else { return nil }
        defer { close(terminal) }
        Self.write("\(Self.oneLine(question)) [y/N] ", to: terminal)
        var answer: [UInt8] = []
        var byte: UInt8 = 0
        while answer.count < 16, unsafe read(terminal, &byte, 1) == 1, byte != UInt8(ascii: "\n") {
            answer.append(byte)
        }
        return ["y", "yes"].contains(String(decoding: answer, as: UTF8.self).lowercased())
    }

    /// Names from files and certificates reach terminals: control characters are shown, not obeyed.
    private static func oneLine(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
                    guard scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) else { return [scalar] }
                    return Array("\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
                }))
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
