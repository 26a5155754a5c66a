import Codecs
import Files
import MetadataTransport
import RoadsteadWire
import SigningKeys

/// What this host holds of its fleet's metadata, for a server whose database has forgotten what it published.
///
/// Sent once for each release, when the server says that this host is ahead of it.
struct Evidence: Sendable {
    /// Bytes of files together, so that the request with its two layers of Base64 stays within the server's limit.
    private static let limit = HostMetadata.largestRequest / 2

    let state: StateDirectory
    let key: PrivateKey
    let host: String

    /// - Returns: a sentence when the server did not take it; nil when it did.
    func send(sequence: Int64, _ transport: HTTPTransport) async throws -> String? {
        let bytes = try collected(sequence: sequence).signedBytes()
        let signature = try await verifiedSignature(by: key, over: bytes, scheme: .ed25519)
        let envelope = HostMetadataEnvelope(metadata: Base64.encode(bytes), signature: Base64.encode(signature))
        let answer = try await transport.post("/v1/hosts/\(host)/metadata", json: try JSON(encoding: envelope).bytes)
        guard !(200..<300).contains(answer.status) else { return nil }
        return "the server did not take this host's metadata: \(ServerProblem(answer).text)"
    }

    private func collected(sequence: Int64) throws -> HostMetadata {
        var room = Self.limit
        func taking(_ files: [(String, [UInt8])]) -> [String: [UInt8]] {
            var taken: [String: [UInt8]] = [:]
            for (name, bytes) in files where bytes.count <= room {
                taken[name] = bytes
                room -= bytes.count
            }
            return taken
        }
        let files = taking(try metadata())
        let content = (try? GenerationStore(state).current()?.content) ?? [:]
        let targets = taking(content.sorted { Self.rank($0.key) < Self.rank($1.key) }.map { ($0.key, $0.value) })
        return HostMetadata(host: host, sequence: sequence, files: files, targets: targets)
    }

    /// The top-level roles and the denials first, in case not all fit.
    private func metadata() throws -> [(String, [UInt8])] {
        let names = try Files.list(state.metadata).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }
        let roles = names.map { String($0.dropLast(5)) }.sorted { Self.rank($0) < Self.rank($1) }
        return roles.compactMap { role in
            let path = "\(state.metadata)/\(role).json"
            return (try? Files.read(path, limit: Self.limit, links: .refused)).map { (role, $0) }
        }
    }

    private static func rank(_ name: String) -> Int {
        ["root", "timestamp", "snapshot", "targets", "deny", "deny/deny.json"].firstIndex(of: name) ?? 100
    }
}
