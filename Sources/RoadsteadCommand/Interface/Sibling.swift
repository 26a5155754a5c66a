import Files
import Glibc

/// Programs that lie beside this one and take over some of its commands.
enum Sibling {
    /// Becomes another program; returns only when it is not there.
    static func replaceProcess(program: String, arguments: [String]) throws {
        guard let own = try? Files.linkTarget("/proc/self/exe") else { return }
        let path = Files.parent(of: own) + "/" + program
        guard Files.exists(path) else { return }
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) }
        defer { unsafe words.forEach { unsafe free($0) } }
        unsafe words.append(nil)
        _ = unsafe execv(path, words)
        let reason = unsafe String(cString: strerror(errno))
        throw CommandError(.environment, "cannot start \(path): \(reason)", hint: "install it again beside roadstead")
    }
}
