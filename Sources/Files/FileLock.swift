import Glibc

/// Holds an exclusive lock on a file until it is let go: one writer at a time, readers are not affected.
package struct FileLock: ~Copyable {
    private let file: Descriptor

    /// Takes the lock at once or throws `.locked`.
    package init(_ path: String) throws(FileError) {
        let file = try Descriptor("lock", path, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        let number = file.number
        try system("lock", path) { flock(number, LOCK_EX | LOCK_NB) }
        self.file = file
    }

    /// Takes the lock as soon as it is free, or throws `.locked` when that takes longer than `time`.
    package init(_ path: String, within time: Duration) throws(FileError) {
        let end = ContinuousClock.now + time
        while true {
            do throws(FileError) {
                self = try FileLock(path)
                return
            } catch {
                guard error.code == .locked, ContinuousClock.now < end else { throw error }
            }
            usleep(10_000)
        }
    }
}
