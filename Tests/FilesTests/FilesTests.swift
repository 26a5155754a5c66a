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

    @Test func `a missing file and a missing directory are named`() throws {
        defer { try? Files.removeTree(directory) }
        let error = #expect(throws: FileError.self) { try Files.read(directory + "/none", limit: 1) }
        #expect(error?.code == .notFound)
        #expect(error?.reason.contains(directory + "/none") == true)
        #expect(throws: FileError(.notFound, "")) { try Files.list(directory + "/none") }
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
