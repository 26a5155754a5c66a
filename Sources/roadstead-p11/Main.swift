import Glibc

/// Uses one token through one PKCS#11 module, for the program that started it; see ``Channel`` and ``TokenService``.
@main
enum Main {
    static func main() {
        // Modules write to sockets of their own, whose other end may be gone.
        _ = signal(SIGPIPE, SIG_IGN)
        // The memory of this process holds a PIN.
        var noCore = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = unsafe setrlimit(RLIMIT_CORE_, &noCore)
        guard let path = modulePath(), isatty(STDIN_FILENO) == 0 else {
            say("roadstead-p11 is started by other programs, with --module PATH and a socket as its input")
            exit(2)
        }
        guard let channel = Channel() else {
            say("roadstead-p11: its input cannot be used")
            exit(3)
        }
        channel.endWhenAbandoned()
        let service = TokenService(modulePath: path)
        while let frame = channel.receive() {
            guard channel.send(service.answer(to: frame)) else { break }
        }
        service.end()
        // Modules are known to crash in their destructors, so none is run.
        _exit(0)
    }

    private static func modulePath() -> String? {
        let words = CommandLine.arguments
        return words.count == 3 && words[1] == "--module" ? words[2] : nil
    }

    private static func say(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

private let RLIMIT_CORE_ = __rlimit_resource_t(4)
