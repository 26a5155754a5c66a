import Codecs
import Files
import Foundation
import RepositorySimulation
import SigningKeys
import TUF
import TUFClient
import Testing

/// What is on disk: names, links, damaged caches and clocks.
@Suite struct DirectoryTests {
    @Test(arguments: ["../a", "/etc/passwd", "a/../../b", "a//b", "a\\b", ".", "..", "", "a\nb"])
    func `a target name that could leave the directory is refused before any request`(name: String) async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        try await sandbox.server.serving {
            await #expect(throws: (any Error).self) { try await sandbox.run(sandbox.downloadArguments(name)) }
        }
        #expect(sandbox.server.takeRequests().isEmpty)
        #expect(!Files.exists(sandbox.targets))
    }

    @Test func `every target has one file of its own, inside the directory`() async throws {
        let long = (0..<8).map { _ in String(repeating: "+", count: 100) }.joined(separator: "/")
        let names = ["a", "a/b", "a%2Fb", ".hidden", "x/.y", "a b?#", long]
        let sandbox = try await Sandbox()
        for name in names { try sandbox.repository.add(name, "content of \(name)") }
        try await sandbox.repository.publishAll()
        sandbox.server.serve(sandbox.repository)
        try await sandbox.initialise()
        try await sandbox.server.serving {
            for name in names { try await sandbox.run(sandbox.downloadArguments(name)) }
        }
        let stored = try Files.list(sandbox.targets)
        #expect(stored.count == names.count)
        let contents = try stored.map { name in
            let bytes = try Files.read(sandbox.targets + "/" + name, limit: 1 << 20)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(Set(contents) == Set(names.map { "content of \($0)" }))
        #expect(!stored.contains { $0.hasPrefix(".") })
    }

    @Test func `a link planted in a target's place is refused and what it leads to stays`() async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        try Files.createDirectory(sandbox.targets)
        let outside = sandbox.path + "/outside"
        try Files.write(Array("mine".utf8), to: outside)
        let place = sandbox.targets + "/files%2Fa.txt"
        try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: outside)
        try await sandbox.server.serving {
            await #expect(throws: ClientError(.obstructed, "")) {
                try await sandbox.run(sandbox.downloadArguments("files/a.txt"))
            }
        }
        #expect(try Files.read(outside, limit: 100) == Array("mine".utf8))
        #expect(try Files.status(place).kind == .symbolicLink)
    }

    @Test(arguments: ["root.json", "timestamp.json", "snapshot.json", "targets.json"])
    func `a link planted in the cache is replaced and what it leads to stays`(name: String) async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        try await sandbox.server.serving {
            try await sandbox.refresh()
            let outside = sandbox.path + "/outside"
            try FileManager.default.moveItem(atPath: sandbox.metadata + "/" + name, toPath: outside)
            let before = try Files.read(outside, limit: 1 << 20)
            try FileManager.default.createSymbolicLink(
                atPath: sandbox.metadata + "/" + name, withDestinationPath: outside)
            try await sandbox.publish("files/new.txt")
            try await sandbox.refresh()
            #expect(sandbox.isCurrent())
            #expect(try Files.status(sandbox.metadata + "/" + name).kind == .regular)
            #expect(try Files.read(outside, limit: 1 << 20) == before)
        }
    }

    enum Damage: String, Sendable, CaseIterable { case truncated, empty, foreign, garbage, missing, otherRole, huge }

    @Test(arguments: Damage.allCases, ["root.json", "timestamp.json", "snapshot.json", "targets.json"])
    func `a damaged cache heals itself`(damage: Damage, name: String) async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        try await sandbox.server.serving {
            try await sandbox.repository.publish(.root)
            sandbox.server.serve(sandbox.repository)
            try await sandbox.refresh()
            let path = sandbox.metadata + "/" + name
            let bytes = try sandbox.cached(name)
            switch damage {
            case .truncated: try Files.write(Array(bytes.prefix(bytes.count / 2)), to: path)
            case .empty: try Files.write([], to: path)
            case .foreign:
                let other = try await RepositorySimulator()
                let stem = name == "timestamp.json" ? name : "1." + name
                try Files.write(try #require(other.files[stem]), to: path)
            case .garbage: try Files.write([0, 255, 1, 254], to: path)
            case .missing: try Files.remove(path)
            case .otherRole:
                try Files.write(try sandbox.cached(name == "root.json" ? "targets.json" : "root.json"), to: path)
            case .huge: try Files.write([UInt8](repeating: 0x20, count: 20 << 20), to: path)
            }
            try await sandbox.refresh()
            #expect(sandbox.isCurrent())
        }
    }

    @Test func `a clock in 2099 refuses and harms nothing`() async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        try await sandbox.server.serving {
            try await sandbox.refresh()
            await #expect(throws: TUFError(.expired, "")) {
                try await sandbox.refresh(now: try UTCDate("2099-01-01T00:00:00Z"))
            }
            try await sandbox.publish("files/new.txt")
            try await sandbox.refresh()
            #expect(sandbox.isCurrent())
        }
    }

    @Test func `a clock in 1970 does not bring back what has expired since the last signature`() async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        try await sandbox.server.serving {
            let expires = RepositorySimulator.start.adding(days: 2)
            sandbox.repository.timestamp.header.stamp?.issued = RepositorySimulator.start.adding(days: 1)
            try await sandbox.publish("files/new.txt")
            try await sandbox.refresh(now: .earliest)
            sandbox.repository.snapshot.header.expires = expires
            sandbox.repository.timestamp.header.stamp?.issued = RepositorySimulator.start.adding(days: 3)
            try await sandbox.publish("files/newer.txt")
            await #expect(throws: TUFError(.expired, "")) { try await sandbox.refresh(now: .earliest) }
        }
    }

    @Test func `a root that is no root, or not signed by itself, is not taken at the start`() async throws {
        let sandbox = try await Sandbox()
        for name in ["timestamp.json", "1.targets.json"] {
            try Files.write(try #require(sandbox.repository.files[name]), to: sandbox.path + "/1.root.json")
            await #expect(throws: TUFError.self) { try await sandbox.initialise() }
        }
        sandbox.repository.signers[.root] = [try PrivateKey.generate(.ed25519)]
        var draft = try MetadataDraft(sandbox.repository.root)
        draft = try MetadataDraft(draft.content)
        try Files.write(draft.bytes, to: sandbox.path + "/1.root.json")
        await #expect(throws: TUFError(.unsigned, "")) { try await sandbox.initialise() }
        #expect(!Files.exists(sandbox.metadata))
    }
}
