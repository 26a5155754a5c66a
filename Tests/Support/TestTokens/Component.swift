import Foundation

/// A program that runs beside a test, in a process group of its own that ends with the test, however that ends.
final class Component {
    private let guardian = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread = Data()
    private let log: URL
    /// The group of the program and everything that it starts.
    private(set) var group: pid_t = 0

    /// Starts a program; what it prints on standard error goes to `log`, and what it prints otherwise is read line by line.
    init(_ words: [String], environment: [String: String] = [:], log: URL) throws {
        self.log = log
        guardian.executableURL = URL(fileURLWithPath: "/bin/bash")
        // The guardian ends the group as soon as nobody holds the other end of its input.
        let script = """
            set -m
            "$@" </dev/null 2>>"$0" &
            echo $!
            read -r
            kill -KILL -- "-$!" 2>/dev/null
            """
        guardian.arguments = ["-c", script, log.path] + words
        guardian.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        guardian.standardInput = input
        guardian.standardOutput = output
        guardian.standardError = FileHandle.nullDevice
        try Data().write(to: log)
        try guardian.run()
        guard let id = pid_t(try line(within: 10)) else { throw failure("it did not start") }
        group = id
    }

    deinit { stop() }

    /// Ends the program and all that it started.
    func stop() {
        guard group != 0 else { return }
        kill(-group, SIGKILL)
        group = 0
        try? input.fileHandleForWriting.close()
        guardian.waitUntilExit()
    }

    /// Sends a signal to the program and all that it started.
    func signal(_ number: Int32) {
        if group != 0 { kill(-group, number) }
    }

    /// The next line that the program prints.
    func line(within seconds: Double) throws -> String {
        let end = Date().addingTimeInterval(seconds)
        while true {
            if let index = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread.removeSubrange(...index) }
                return String(decoding: unread[..<index], as: UTF8.self)
            }
            var polled = pollfd(fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard Date() < end, poll(&polled, 1, 200) >= 0 else { throw failure("no line came in time") }
            guard polled.revents != 0 else { continue }
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw failure("it ended") }
            unread.append(data)
        }
    }

    /// Waits until something holds.
    func wait(for what: String, within seconds: Double = 20, _ holds: () throws -> Bool) throws {
        let end = Date().addingTimeInterval(seconds)
        while !(try holds()) {
            guard Date() < end else { throw failure("waited \(seconds) s for \(what)") }
            usleep(20_000)
        }
    }

    private func failure(_ what: String) -> ComponentFailure {
        let said = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        return ComponentFailure(
            description: "\(guardian.arguments?.dropFirst(3).first ?? ""): \(what): \(said.suffix(2_000))")
    }
}

/// What components need of the machine.
enum Machine {
    /// A directory for one test, removed by the caller.
    static func directory(_ name: String) throws -> URL {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(name).\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: place, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return place
    }

    /// The first of `count` ports in a row that nobody listens on.
    static func freePorts(_ count: Int) throws -> UInt16 {
        for _ in 0..<200 {
            let first = UInt16.random(in: 20_000...29_000)
            if (0..<UInt16(count)).allSatisfy({ isFree(first + $0) }) { return first }
        }
        throw ComponentFailure(description: "no free ports were found")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        return withAddress(port) { bind(listener, $0, $1) == 0 }
    }

    /// Whether something listens on a port of this machine.
    static func listens(_ port: UInt16) -> Bool {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        return withAddress(port) { connect(client, $0, $1) == 0 }
    }

    private static func withAddress(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// A library or module of the system, wherever this architecture has it.
    static func library(_ names: String...) throws -> String {
        let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"]
        for folder in folders {
            for name in names where FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
                return "\(folder)/\(name)"
            }
        }
        throw ComponentFailure(description: "\(names.joined(separator: ", ")) is missing: make setup installs it")
    }

    /// Runs a program to its end.
    @discardableResult
    static func run(_ words: [String], environment: [String: String] = [:]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ComponentFailure(description: "\(words[0]) ended with \(process.terminationStatus): \(output)")
        }
        return output
    }
}
