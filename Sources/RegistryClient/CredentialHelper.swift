import Codecs
import Dispatch
import Files
import Glibc

/// A program `docker-credential-NAME` that keeps credentials. [docker-credential-helpers, "get"]
///
/// It is found in the directories of `PATH` that are absolute, and started without a shell. What it prints is a secret:
/// it goes nowhere but into the credential, and an error says no more than that there was one.
struct CredentialHelper: Sendable {
    /// Where programs are looked for, and how long one may take.
    struct Search: Sendable {
        let directories: [String]
        let deadline: Duration

        /// People may have to unlock their store.
        static var environment: Search {
            let value = unsafe getenv("PATH")
            let path = unsafe value.map { unsafe String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
            return Search(directories: path.split(separator: ":").map(String.init), deadline: .seconds(60))
        }
    }

    let name: String
    let search: Search

    private static let outputBytes = 65_536

    /// A name that cannot lead to another directory or be taken for anything but a name.
    static func checked(_ name: String?) throws(RegistryError) -> String {
        let name = name ?? ""
        let isWord: (UInt8) -> Bool = {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        }
        guard (1...64).contains(name.utf8.count), name.utf8.first.map(isWord) == true,
            name.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
        else {
            throw RegistryError(
                .credentials, "\"\(name.prefix(80))\" is not the name of a credential helper",
                hint: "a name has 1 to 64 letters, digits, hyphens and underscores")
        }
        return name
    }

    /// What the helper knows for a server; nil where it knows nothing.
    func credential(for server: String) async throws -> RegistryCredential? {
        let (program, deadline) = (try program(), search.deadline)
        let result = try await withCheckedThrowingContinuation { continuation in
            // It waits in system calls, which no thread of the cooperative pool may.
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        try ChildProcess.run(
                            [program, "get"], input: Array(server.utf8), limit: Self.outputBytes, deadline: deadline)
                    }.mapError { failure("\($0)") })
            }
        }
        guard result.status == 0 else {
            // The one failure that means nothing more than that.
            if result.output.starts(with: Array("credentials not found".utf8)) { return nil }
            throw failure("failed with status \(result.status)")
        }
        guard let credential = Self.credential(in: result.output) else {
            throw failure("answers without a name and a secret")
        }
        return credential
    }

    static func credential(in output: [UInt8]) -> RegistryCredential? {
        guard let object = try? JSON(parsing: output).objectOrNil, let name = object["Username"]?.stringOrNil,
            let secret = object["Secret"]?.stringOrNil, !secret.isEmpty
        else { return nil }
        guard name != "<token>" else {
            return secret.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? .identity(secret) : nil
        }
        // A colon would end the name. [RFC 7617 §2]
        return name.contains(":") ? nil : .password(Base64.encode(Array("\(name):\(secret)".utf8)))
    }

    private func program() throws(RegistryError) -> String {
        let file = "docker-credential-\(name)"
        let places = search.directories.filter { $0.hasPrefix("/") }.map { "\($0)/\(file)" }
        let found = places.first { unsafe access($0, X_OK) == 0 }
        guard let found else {
            throw RegistryError(
                .credentials, "the credential helper \(file) is not in PATH",
                hint: "install it, or take credsStore and credHelpers out of Docker's config.json")
        }
        return found
    }

    private func failure(_ what: String) -> RegistryError {
        RegistryError(
            .credentials, "the credential helper docker-credential-\(name) \(what)",
            hint: "try it by hand: echo REGISTRY | docker-credential-\(name) get")
    }
}
