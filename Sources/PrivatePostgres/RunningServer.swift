import Files
import Glibc

/// A postmaster that runs on a data directory, known from its `postmaster.pid`.
struct RunningServer: Sendable {
    let processID: Int32

    /// The server that a killed program left behind, if it still runs on this very directory.
    static func find(on dataDirectory: String) -> RunningServer? {
        guard let bytes = try? Files.read(dataDirectory + "/postmaster.pid", limit: 4_096),
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first,
            let id = Int32(line), id > 1
        else { return nil }
        let server = RunningServer(processID: id)
        guard server.isRunning, (try? Files.linkTarget("/proc/\(id)/cwd")) == resolved(dataDirectory) else {
            return nil
        }
        return server
    }

    /// Whether the process exists and has not ended; one that waits to be collected has ended.
    var isRunning: Bool {
        guard let bytes = try? Files.read("/proc/\(processID)/stat", limit: 4_096) else { return false }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return false }
        return text[end...].dropFirst(2).first != "Z"
    }

    func reload() { kill(processID, SIGHUP) }

    /// Ends the server, at first as it likes, after the time given at once; returns when it has ended.
    func stop(within limit: Duration = .seconds(10)) async {
        kill(processID, SIGINT)
        let end = ContinuousClock.now + limit
        while isRunning, ContinuousClock.now < end { await Self.pause() }
        guard isRunning else { return }
        kill(processID, SIGQUIT)
        let last = ContinuousClock.now + .seconds(5)
        while isRunning, ContinuousClock.now < last { await Self.pause() }
        if isRunning { kill(processID, SIGKILL) }
    }

    /// A pause that a cancelled task has too.
    private static func pause() async {
        await withCheckedContinuation { continuation in
            Task.detached {
                try? await Task.sleep(for: .milliseconds(10))
                continuation.resume()
            }
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let real = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }
}
