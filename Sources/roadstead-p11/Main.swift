import Files
import Glibc

/// Uses one token through one PKCS#11 module, for the program that started it; see ``Channel`` and ``TokenService``.
@main
enum Main {
    static func main() {
        // Modules write to sockets of their own, whose other end may be gone.
        _ = signal(SIGPIPE, SIG_IGN)
        ProcessMemory.forbidCoreFiles()
        guard let (path, lanes) = arguments(), isatty(STDIN_FILENO) == 0 else {
            say("roadstead-p11 is started by other programs, with --module PATH and a socket as its input")
            exit(2)
        }
        guard let channels = Channel.takeOver(lanes: lanes) else {
            say("roadstead-p11: its input cannot be used")
            exit(3)
        }
        channels.main.endWhenAbandoned()
        let service = TokenService(modulePath: path, lanes: lanes)
        for (index, lane) in channels.lanes.enumerated() {
            Threads.start {
                while let frame = lane.receive() {
                    guard lane.send(service.answer(to: frame, lane: index)) else { break }
                }
            }
        }
        while let frame = channels.main.receive() {
            guard channels.main.send(service.answer(to: frame, lane: nil)) else { break }
        }
        service.end()
        // Modules are known to crash in their destructors, so none is run.
        _exit(0)
    }

    private static func arguments() -> (module: String, lanes: Int)? {
        let words = CommandLine.arguments
        guard words.count >= 3, words[1] == "--module" else { return nil }
        if words.count == 3 { return (words[2], 0) }
        guard words.count == 5, words[3] == "--lanes", let lanes = Int(words[4]),
            (0...Channel.maximumLanes).contains(lanes)
        else { return nil }
        return (words[2], lanes)
    }

    private static func say(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
