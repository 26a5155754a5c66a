import Files
import Glibc
import Testing

@Suite struct FilesTests {
    let directory = "/tmp/roadstead-files-\(getpid())-\(UInt32.random(in: 0 ... .max))"

    init() throws { try Files.createDirectory(directory) }

    @Test func `what is written is read back and nothing else stays`() throws {
        defer { try? Files.removeTree(directory) }
        try Files.write([1, 2, 3], to: directory + "/a", mode: 0o600)
        try Files.write([4], to: directory + "/a", mode: 0o640)
        #expect(try Files.read(directory + "/a", limit: 10) == [4])
        #expect(try Files.list(directory) == ["a"])
        #expect(try Files.status(directory + "/a").mode == 0o640)
    }

    @Test func `a file above the limit is not read`() throws {
        defer { try? Files.removeTree(directory) }
        try Files.write([UInt8](repeating: 0, count: 11), to: directory + "/a")
        #expect(throws: FileError(.limit, "")) { try Files.read(directory + "/a", limit: 10) }
    }

    @Test func `a link is not followed where links are refused`() throws {
        defer { try? Files.removeTree(directory) }
        try Files.write([1], to: directory + "/a")
        try Files.replaceLink(directory + "/b", target: "a")
        #expect(try Files.read(directory + "/b", limit: 10) == [1])
        #expect(throws: FileError(.kind, "")) { try Files.read(directory + "/b", limit: 10, links: .refused) }
        #expect(try Files.linkTarget(directory + "/b") == "a")
    }

    @Test func `a secret that others can read is refused with the way out`() throws {
        defer { try? Files.removeTree(directory) }
        try Files.write([1], to: directory + "/secret", mode: 0o644)
        let error = #expect(throws: FileError.self) { try Files.readSecret(directory + "/secret") }
        #expect(error?.code == .exposed)
        #expect(error?.hint == "chmod 600 \(directory)/secret")
        try Files.write([1], to: directory + "/secret", mode: 0o600)
        #expect(try Files.readSecret(directory + "/secret") == [1])
    }

    @Test func `a secret is the first line of its file, and not an empty one`() throws {
        defer { try? Files.removeTree(directory) }
        let path = directory + "/pin"
        for text in ["987654", "987654\n", "987654\r\n", "987654\n# spare 123456\n"] {
            try Files.write(Array(text.utf8), to: path, mode: 0o600)
            #expect(try Files.readSecretLine(path) == Array("987654".utf8), "\(text.debugDescription)")
        }
        for text in ["", "\n", "\r\n987654\n"] {
            try Files.write(Array(text.utf8), to: path, mode: 0o600)
            #expect(throws: FileError(.empty, ""), "\(text.debugDescription)") { try Files.readSecretLine(path) }
        }
        try Files.write([0x31], to: path, mode: 0o644)
        #expect(throws: FileError(.exposed, "")) { try Files.readSecretLine(path) }
    }

    @Test func `only what systemd gave a service may be open to the group, and nothing to others`() throws {
        defer { try? Files.removeTree(directory) }
        let credentials = directory + "/credentials"
        try Files.createDirectory(credentials)
        try Files.write([0x31], to: credentials + "/pin", mode: 0o440)
        try Files.write([0x31], to: credentials + "/open", mode: 0o444)
        try Files.write([0x31], to: directory + "/pin", mode: 0o440)
        #expect(try Files.readSecret(credentials + "/pin", credentials: credentials) == [0x31])
        #expect(try Files.readSecretLine(credentials + "/pin", credentials: credentials + "/") == [0x31])
        for (path, credentials) in [
            (credentials + "/open", credentials), (directory + "/pin", credentials),
            (credentials + "/../pin", credentials), (directory + "/pin", directory + "/p"),
            (credentials + "/pin", ""), (credentials + "/pin", nil),
        ] as [(String, String?)] {
            #expect(throws: FileError(.exposed, ""), "\(path)") {
                try Files.readSecret(path, credentials: credentials)
            }
        }
    }

    @Test func `a secret swapped while it is read is never one that others can read`() async throws {
        defer { try? Files.removeTree(directory) }
        let path = directory + "/secret"
        try Files.write([1], to: path, mode: 0o600)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<150 {
                    try Files.write([2], to: path, mode: 0o644)
                    try Files.write([1], to: path, mode: 0o600)
                }
            }
            group.addTask {
                for _ in 0..<2_000 {
                    do throws(FileError) { #expect(try Files.readSecret(path) == [1]) } catch {
                        #expect(error.code == .exposed)
                    }
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a lock is held once`() throws {
        defer { try? Files.removeTree(directory) }
        let path = directory + "/lock"
        let held = try FileLock(path)
        #expect(throws: FileError(.locked, "")) { _ = try FileLock(path) }
        _ = consume held
        _ = try FileLock(path)
    }

    @Test func `a lock that is held is waited for, up to a time`() async throws {
        defer { try? Files.removeTree(directory) }
        let path = directory + "/lock"
        let held = try FileLock(path)
        #expect(throws: FileError(.locked, "")) { _ = try FileLock(path, within: .milliseconds(50)) }
        let waiting = Task.detached {
            do {
                _ = try FileLock(path, within: .seconds(20))
                return true
            } catch {
                return false
            }
        }
        try await Task.sleep(for: .milliseconds(50))
        _ = consume held
        #expect(await waiting.value)
    }

    @Test func `a missing file and a missing directory are named`() throws {
        defer { try? Files.removeTree(directory) }
        let error = #expect(throws: FileError.self) { try Files.read(directory + "/none", limit: 1) }
        #expect(error?.code == .notFound)
        #expect(error?.reason.contains(directory + "/none") == true)
        #expect(throws: FileError(.notFound, "")) { try Files.list(directory + "/none") }
    }

    @Test func `a directory that cannot be made is an error`() throws {
        defer { try? Files.removeTree(directory) }
        #expect(throws: FileError(.notFound, "")) { try Files.createDirectory("/proc/none/deeper") }
        try Files.createDirectory(directory + "/a/b/c")
        #expect(try Files.status(directory + "/a/b/c").kind == .directory)
    }

    @Test func `a tree is removed without following its links`() throws {
        defer { try? Files.removeTree(directory) }
        try Files.createDirectory(directory + "/outside")
        try Files.write([1], to: directory + "/outside/kept")
        try Files.createDirectory(directory + "/tree/deep/er")
        try Files.replaceLink(directory + "/tree/deep/link", target: directory + "/outside")
        try Files.removeTree(directory + "/tree")
        #expect(!Files.exists(directory + "/tree"))
        #expect(Files.exists(directory + "/outside/kept"))
    }
}
