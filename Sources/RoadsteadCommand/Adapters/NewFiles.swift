import Files

/// A file that is to be made.
typealias NewFile = (path: String, text: String, mode: UInt32)

/// Files that belong together and are made at once: all of them, or none.
enum NewFiles {
    static func checkAbsent(_ paths: [String]) throws(CommandError) {
        if let path = paths.first(where: Files.exists) {
            throw CommandError(
                .environment, "\(path) exists, and files with keys and certificates are never replaced",
                hint: "choose another directory or name")
        }
    }

    /// Makes the directories that are missing, then the files; what was made is removed again when one fails.
    static func create(_ files: [NewFile]) throws {
        var made: [String] = []
        do {
            for file in files {
                try Files.createDirectory(Files.parent(of: file.path))
                try Files.create(Array(file.text.utf8), at: file.path, mode: file.mode)
                made.append(file.path)
            }
            for directory in Set(files.map { Files.parent(of: $0.path) }) { try Files.syncDirectory(directory) }
        } catch {
            for path in made { try? Files.remove(path) }
            throw error
        }
    }
}
