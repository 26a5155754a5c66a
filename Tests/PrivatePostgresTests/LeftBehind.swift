import Files
import Foundation
import PrivatePostgres
import Subprocess
import SystemPackage

/// A postmaster without the program that started it, as a SIGKILL leaves one.
enum LeftBehind {
    /// Starts it the way the program did, through a shell that ends at once.
    static func start(_ server: PrivatePostgres) async throws -> Int32 {
        let dataDirectory = server.dataDirectory
        mkdir(server.socketDirectory, 0o700)
        chown(server.socketDirectory, try Files.status(dataDirectory).owner, getgid())
        let version = String(decoding: try Files.read("\(dataDirectory)/PG_VERSION", limit: 64), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let control = "/usr/lib/postgresql/\(version)/bin/pg_ctl"
        let lines = try String(contentsOfFile: "\(dataDirectory)/postmaster.opts", encoding: .utf8)
            .split(separator: "\"").filter { $0.contains("=") }.map { "-c \($0)" }
        var arguments = ["-D", dataDirectory, "-w", "-l", "/dev/null", "-o", lines.joined(separator: " "), "start"]
        var program = control
        if geteuid() == 0 {
            arguments = ["--reuid=postgres", "--regid=postgres", "--init-groups", control] + arguments
            program = "/usr/bin/setpriv"
        }
        let done = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments), workingDirectory: "/", output: .discarded)
        guard done.terminationStatus.isSuccess else { throw CancellationError() }
        let text = try String(contentsOfFile: "\(dataDirectory)/postmaster.pid", encoding: .utf8)
        return text.split(separator: "\n").first.flatMap { Int32($0) } ?? 0
    }
}
