/// `roadstead version`.
enum VersionCommand {
    static let version = "0.1.0"

    static let command = Command("version", "print the version") { _, console, _ in
        console.print("roadstead \(version)")
        return .success
    }
}
