import Glibc

/// What a directory entry is, without following links.
package enum FileKind: Sendable { case regular, directory, symbolicLink, other }

/// What is known of a file without reading it.
package struct FileStatus: Sendable {
    package let kind: FileKind
    package let size: Int
    /// Permission bits only.
    package let mode: UInt32
    package let owner: UInt32
}

/// Tells one state of a file from another without reading it. The kernel sets the time of change whenever content, name
/// or rights change; no program can set it back.
package struct FileStamp: Sendable, Hashable {
    package let kind: FileKind
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let changedSeconds: Int
    private let changedNanoseconds: Int
}

/// Bounded reads and durable writes: what a call reports as written is on disk, whole, under its name.
package enum Files {
    package enum LinkPolicy: Sendable { case followed, refused }

    /// Reads a regular file of at most `limit` bytes.
    package static func read(
        _ path: String, limit: Int, links: LinkPolicy = .followed
    ) throws(FileError) -> [UInt8] {
        try read(path, limit: limit, links: links, guarding: .nothing)
    }

    /// Hands the content of a regular file of any size to `body`, piece by piece, and returns its size.
    package static func readPieces(
        _ path: String, _ body: (ArraySlice<UInt8>) -> Void
    ) throws(FileError) -> Int64 {
        let file = try Descriptor("read", path, flags: O_RDONLY | O_NONBLOCK)
        guard try status(of: file, path).kind == .regular else {
            throw FileError(.kind, "cannot read \(path): it is not a regular file")
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var total: Int64 = 0
        while true {
            let count = try system("read", path) {
                unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file.number, $0.baseAddress, $0.count) }
            }
            guard count > 0 else { return total }
            total += Int64(count)
            body(buffer[..<count])
        }
    }

    /// Reads a file whose word counts; refused when somebody else than root and this user could have written it.
    package static func readTrusted(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
        try read(path, limit: limit, links: .followed, guarding: .integrity)
    }

    /// Refuses what is no file, and a file that somebody else than root and this user could have written. Who can write the
    /// directories on the way to it is not asked.
    package static func checkTrusted(_ path: String) throws(FileError) {
        let status = try status(path, links: .followed)
        guard status.kind == .regular else { throw FileError(.kind, "\(path) is not a regular file") }
        try check(status, path, .integrity)
    }

    enum Guard { case nothing, secrecy, secrecyFromOthers, integrity }

    /// Opens once and asks the open file, so that what is checked is what is read.
    static func read(
        _ path: String, limit: Int, links: LinkPolicy, guarding: Guard
    ) throws(FileError) -> [UInt8] {
        let flags = links == .refused ? O_RDONLY | O_NOFOLLOW | O_NONBLOCK : O_RDONLY | O_NONBLOCK
        let file = try Descriptor("read", path, flags: flags)
        let status = try status(of: file, path)
        try check(status, path, guarding)
        guard status.kind == .regular else { throw FileError(.kind, "cannot read \(path): it is not a regular file") }
        guard status.size <= limit else { throw tooLarge(path, limit) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(status.size + 1)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        defer { if [.secrecy, .secrecyFromOthers].contains(guarding) { wipe(&buffer) } }
        while true {
            let count = try system("read", path) {
                unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file.number, $0.baseAddress, $0.count) }
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= limit else { throw tooLarge(path, limit) }
        }
    }

    private static func check(_ status: FileStatus, _ path: String, _ guarding: Guard) throws(FileError) {
        let forbidden: UInt32 =
            switch guarding {
            case .nothing: 0
            case .secrecy: 0o077
            case .secrecyFromOthers: 0o007
            case .integrity: 0o022
            }
        guard guarding != .integrity || [0, geteuid()].contains(status.owner) else {
            throw FileError(
                .exposed, "\(path) belongs to user \(status.owner), who could change it",
                hint: "only files of root or of the user who runs the program are believed")
        }
        guard status.mode & forbidden != 0 else { return }
        let what = guarding == .integrity ? "decides what is allowed" : "holds a secret"
        throw FileError(
            .exposed, "\(path) \(what) and has mode \(octal(status.mode)), so that others can reach it",
            hint: guarding == .integrity ? "chmod go-w \(path)" : "chmod 600 \(path)")
    }

    /// Puts a whole new file in place: written beside its name, synced, renamed over it, the directory synced.
    ///
    /// - Parameter staging: the directory for the temporary file, on the same file system; the target's by default.
    package static func write(
        _ bytes: [UInt8], to path: String, mode: UInt32 = 0o644, staging: String? = nil
    ) throws(FileError) {
        let temporary =
            (staging ?? parent(of: path)) + "/.\(name(of: path)).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
        do throws(FileError) {
            try create(bytes, at: temporary, mode: mode)
            try rename(temporary, to: path)
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
    }

    /// Creates a file that must not exist yet and syncs it; its directory is the caller's to sync.
    package static func create(_ bytes: [UInt8], at path: String, mode: UInt32 = 0o644) throws(FileError) {
        let file = try Descriptor("write", path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        try system("set the mode of", path) { fchmod(file.number, mode) }
        var start = 0
        while start < bytes.count {
            start += try system("write", path) {
                unsafe bytes[start...].withUnsafeBytes { unsafe Glibc.write(file.number, $0.baseAddress, $0.count) }
            }
        }
        try system("sync", path) { fsync(file.number) }
    }

    /// Renames over whatever is at the new name and syncs the directory that holds it.
    package static func rename(_ old: String, to new: String) throws(FileError) {
        try system("rename \(old) to", new) { unsafe Glibc.rename(old, new) }
        try syncDirectory(parent(of: new))
    }

    /// Makes `path` a symbolic link to `target` with one rename, whatever link was there before.
    package static func replaceLink(_ path: String, target: String) throws(FileError) {
        let temporary = "\(parent(of: path))/.\(name(of: path)).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
        try system("link", temporary) { unsafe symlink(target, temporary) }
        do throws(FileError) {
            try rename(temporary, to: path)
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
    }

    package static func linkTarget(_ path: String) throws(FileError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try system("read the link", path) {
            unsafe buffer.withUnsafeMutableBufferPointer { bytes in
                unsafe bytes.baseAddress.map { unsafe readlink(path, $0, bytes.count) } ?? 0
            }
        }
        return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Makes a directory and its parents; those that exist are left as they are.
    package static func createDirectory(_ path: String, mode: UInt32 = 0o755) throws(FileError) {
        if unsafe mkdir(path, mode) == 0 { return try syncDirectory(parent(of: path)) }
        switch errno {
        case EEXIST:
            guard try status(path, links: .followed).kind == .directory else {
                throw FileError(.kind, "cannot make the directory \(path): a file of that name is in the way")
            }
        case ENOENT where parent(of: path) != path:
            try createDirectory(parent(of: path), mode: mode)
            // Once only: in some file systems nothing can be made.
            do throws(FileError) {
                try system("make the directory", path) { unsafe mkdir(path, mode) }
            } catch  where error.code == .exists {}
            try syncDirectory(parent(of: path))
        default: try system("make the directory", path) { unsafe mkdir(path, mode) }
        }
    }

    /// Names in a directory, sorted by their bytes, at most `limit` of them.
    package static func list(_ path: String, limit: Int = 100_000) throws(FileError) -> [String] {
        guard let directory = unsafe opendir(path) else {
            try system("list", path) { Int32(-1) }
            return []
        }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            guard names.count < limit else {
                throw FileError(.limit, "the directory \(path) holds more than \(limit) entries")
            }
            names.append(name)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package static func status(_ path: String, links: LinkPolicy = .refused) throws(FileError) -> FileStatus {
        var raw = stat()
        try system("look at", path) { unsafe links == .refused ? lstat(path, &raw) : stat(path, &raw) }
        return FileStatus(raw)
    }

    /// The stamp of what a path names, which may be a link.
    package static func stamp(_ path: String) throws(FileError) -> FileStamp {
        var raw = stat()
        try system("look at", path) { unsafe lstat(path, &raw) }
        return FileStamp(raw)
    }

    package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Removes one file or link; one that is already gone is fine.
    package static func remove(_ path: String) throws(FileError) {
        do throws(FileError) {
            try system("remove", path) { unsafe unlink(path) }
        } catch  where error.code == .notFound {}
    }

    /// Removes a directory with all that is in it, never following a link.
    package static func removeTree(_ path: String) throws(FileError) {
        guard let kind = try? status(path).kind else { return }
        guard kind == .directory else { return try remove(path) }
        for name in try list(path) { try removeTree(path + "/" + name) }
        try system("remove", path) { unsafe rmdir(path) }
    }

    package static func syncDirectory(_ path: String) throws(FileError) {
        let directory = try Descriptor("sync", path, flags: O_RDONLY | O_DIRECTORY)
        try system("sync", path) { fsync(directory.number) }
    }

    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    package static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    private static func status(of file: borrowing Descriptor, _ path: String) throws(FileError) -> FileStatus {
        var raw = stat()
        let number = file.number
        try system("look at", path) { unsafe fstat(number, &raw) }
        return FileStatus(raw)
    }

    private static func tooLarge(_ path: String, _ limit: Int) -> FileError {
        FileError(.limit, "\(path) is larger than the \(limit) bytes that are read")
    }

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension FileStatus {
    fileprivate init(_ raw: stat) {
        kind =
            switch raw.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            default: .other
            }
        size = Int(raw.st_size)
        mode = raw.st_mode & 0o7777
        owner = raw.st_uid
    }
}

extension FileStamp {
    fileprivate init(_ raw: stat) {
        kind = FileStatus(raw).kind
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        size = Int64(raw.st_size)
        changedSeconds = raw.st_ctim.tv_sec
        changedNanoseconds = raw.st_ctim.tv_nsec
    }
}
