import Foundation
import PythonEnvironment
import Testing

/// `make install`, into a directory of the test's own.
@Suite struct InstallTests {
    private static let others = [
        "roadstead-p11", "roadstead-signer", "roadstead-agent", "roadstead-server", "roadstead-tuf-client",
    ]

    /// The two programs that the test runs, and others that are only placed.
    private func programs(in folder: URL) throws -> String {
        let programs = folder.appendingPathComponent("programs")
        try FileManager.default.createDirectory(at: programs, withIntermediateDirectories: true)
        for name in ["roadstead", "roadstead-remote"] {
            try FileManager.default.createSymbolicLink(
                at: programs.appendingPathComponent(name),
                withDestinationURL: Bundle.main.bundleURL.appendingPathComponent(name))
        }
        for name in Self.others {
            _ = FileManager.default.createFile(
                atPath: programs.appendingPathComponent(name).path, contents: Data("#!/bin/sh\n".utf8),
                attributes: [.posixPermissions: 0o755])
        }
        return programs.path
    }

    private func run(_ script: String, _ environment: [String: String]) throws -> (status: Int32, output: String) {
        try PythonEnvironment.start(
            "/usr/bin/env", ["bash", "-c", "cd '\(PythonEnvironment.root.path)'\n\(script)"], environment: environment)
    }

    @Test func `the programs, the plugin's link, the units and the manual page are placed, twice as well as once`()
        throws
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("install.\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let environment = [
            "ROADSTEAD_PROGRAMS": try programs(in: folder), "DESTDIR": folder.path, "PREFIX": "/opt/roadstead",
        ]
        for _ in 1...2 {
            let installed = try run("make --no-print-directory install", environment)
            #expect(installed.status == 0, "\(installed.output)")
            #expect(installed.output.contains("ln -sfn /opt/roadstead/libexec/roadstead/notation-roadstead "))
        }
        let root = "\(folder.path)/opt/roadstead"
        let plugin = "echo '{}' | '\(root)/libexec/roadstead/notation-roadstead' get-plugin-metadata"
        #expect(try run(plugin, [:]).output.contains(#""name":"roadstead""#))
        // What the small program does not do itself, it finds beside it, by whatever name it was called.
        let beyond = #"{"contractVersion":"1.0","keyId":"ssh-agent:nobody"}"#
        let asked = try run(
            "echo '\(beyond)' | '\(root)/libexec/roadstead/notation-roadstead' describe-key", ["SSH_AUTH_SOCK": ""])
        #expect(asked.status == 1 && asked.output.contains("SSH_AUTH_SOCK"), "\(asked.output)")
        #expect(
            try run("cat '\(root)'/lib/systemd/system/*", [:]).output.contains("=/opt/roadstead/bin/roadstead-agent "))
        #expect(try run("cat '\(root)/share/man/man1/roadstead.1'", [:]).output.contains(".TH"))
        #expect(try run("ls '\(root)/bin'", [:]).output.split(separator: "\n").count == 7)
    }

    @Test func `nothing is placed while a program is missing, or where no directory can be`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("install.\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let programs = try programs(in: folder)
        try FileManager.default.removeItem(atPath: "\(programs)/roadstead-signer")
        var environment = ["ROADSTEAD_PROGRAMS": programs, "DESTDIR": folder.path, "PREFIX": "/opt"]
        let missing = try run("deploy/install.sh", environment)
        #expect(missing.status == 3 && missing.output.contains("make release"))
        environment["PREFIX"] = "opt"
        #expect(try run("deploy/install.sh", environment).status == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["programs"])
    }
}
