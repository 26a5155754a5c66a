import Files
import Glibc

/// Programs that lie beside this one and take over some of its commands.
enum Sibling {
    /// Becomes another program; returns only when it is not there.
    ///
    /// - Parameter searchesPath: whether it may also lie in PATH, for copies of this program that lie alone.
    static func replaceProcess(program: String, arguments: [String], searchesPath: Bool = false) throws {
        guard let own = try? Files.linkTarget("/proc/self/exe") else { return }
        let inPath = searchesPath ? Console.current.environment("PATH")?.split(separator: ":") ?? [] : []
        let directories = [Files.parent(of: own)] + inPath.filter { $0.hasPrefix("/") }.map(String.init)
        guard let path = directories.map({ $0 + "/" + program }).first(where: Files.exists) else { return }
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) }
        defer { unsafe words.forEach { unsafe free($0) } }
        unsafe words.append(nil)
        _ = unsafe execv(path, words)
        let reason = unsafe String(cString: strerror(errno))
        throw CommandError(.environment, "cannot start \(path): \(reason)", hint: "install it again beside roadstead")
    }
}
