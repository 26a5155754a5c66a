import Files
import TrustModel

/// What the agent of this host put in force.
struct HostState {
    static let standardDirectory = "/var/lib/roadstead"

    private let directory: String

    init(directory: String?, _ console: Console) {
        self.directory = directory ?? console.environment("ROADSTEAD_STATE") ?? Self.standardDirectory
    }

    /// The trust of the current generation, a document of the agent's own.
    func trust() throws -> HostTrust {
        let file = "\(directory)/current/\(HostTrust.fileName)"
        guard Files.exists(file) else {
            throw CommandError(
                .environment, "this host has no trust in force: there is no \(file)",
                hint: "enrol it with roadstead-agent enroll, or name a Notation configuration with --config")
        }
        return try HostTrust(verifiedBytes: try Files.read(file, limit: HostTrust.byteLimit))
    }
}
