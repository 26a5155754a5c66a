import TrustModel

/// A path below `/fleets/`, taken apart: nothing in it can leave the fleet's directory.
struct FleetPath: Sendable, Hashable {
    let fleet: FleetName
    /// `metadata/timestamp.json`, `targets/acme/<sha256>.policy.json`.
    let file: String

    /// Longest path taken in.
    static let maximumLength = 512

    /// - Parameter path: the request's path without its query.
    init?(_ path: Substring) {
        guard path.utf8.count <= Self.maximumLength else { return nil }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].isEmpty, parts[1] == "fleets" else { return nil }
        guard let fleet = FleetName(rawValue: String(parts[2])) else { return nil }
        self.init(fleet: fleet, file: parts[3...].joined(separator: "/"))
    }

    init?(fleet: FleetName, file: String) {
        let parts = file.split(separator: "/", omittingEmptySubsequences: false)
        switch parts.first {
        case "metadata" where parts.count == 2: break
        case "targets" where parts.count == 3: break
        default: return nil
        }
        guard parts.allSatisfy(Self.isName) else { return nil }
        self.fleet = fleet
        self.file = file
    }

    /// The request's path.
    var text: String { "/fleets/\(fleet)/\(file)" }

    var isTimestamp: Bool { file == "metadata/timestamp.json" }

    /// N of `metadata/N.root.json`.
    var rootVersion: Int64? {
        let suffix = ".root.json"
        guard file.hasPrefix("metadata/"), file.hasSuffix(suffix) else { return nil }
        let digits = file.dropFirst("metadata/".count).dropLast(suffix.count)
        guard let version = Int64(digits), version > 0, String(version) == digits else { return nil }
        return version
    }

    /// The timestamp changes, everything else never does.
    var cacheControl: String {
        isTimestamp ? "public, max-age=5, must-revalidate" : "public, max-age=31536000, immutable"
    }

    var contentType: String { file.hasSuffix(".json") ? "application/json" : "application/octet-stream" }

    private static func isName(_ part: Substring) -> Bool {
        guard let first = part.utf8.first, first != UInt8(ascii: "."), part.utf8.count <= 255 else { return false }
        return part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
