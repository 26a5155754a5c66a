import Glibc

/// Runs one system call, again when a signal interrupted it, and turns its failure into a `FileError`.
@discardableResult
func system<Result: SignedInteger>(
    _ action: String, _ path: String, _ call: () -> Result
) throws(FileError) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let number = errno
        if number != EINTR { throw failure(action, path, number) }
    }
}

private func failure(_ action: String, _ path: String, _ number: Int32) -> FileError {
    let text = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    let reason = "cannot \(action) \(path): \(text.prefix(1).lowercased() + text.dropFirst())"
    return switch number {
    case ENOENT, ENOTDIR: FileError(.notFound, reason)
    case EACCES, EPERM, EROFS:
        FileError(.permission, reason, hint: "check the owner and mode of \(path) and of its parents")
    case ELOOP, EISDIR: FileError(.kind, reason)
    case ENOSPC, EDQUOT: FileError(.full, reason, hint: "free some space on that file system and try again")
    case EEXIST, ENOTEMPTY: FileError(.exists, reason)
    case EWOULDBLOCK: FileError(.locked, reason)
    default: FileError(.io, reason)
    }
}

/// Owns an open file descriptor.
@safe struct Descriptor: ~Copyable {
    let number: Int32

    init(_ action: String, _ path: String, flags: Int32, mode: mode_t = 0) throws(FileError) {
        number = try system(action, path) { unsafe open(path, flags | O_CLOEXEC, mode) }
    }

    deinit { close(number) }
}
