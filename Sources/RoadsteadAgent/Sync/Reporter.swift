import Codecs
import Files
import MetadataTransport
import RoadsteadWire
package import SigningKeys
package import TrustModel

/// Signs receipts, keeps them until the server has taken them, and sends them in order.
package struct Reporter: Sendable {
    /// Receipts that wait; above this the oldest give way, since each tells the whole state.
    static let waitingLimit = 64

    package let state: StateDirectory
    package let host: String
    private let key: PrivateKey

    package init(_ state: StateDirectory, _ configuration: AgentConfiguration, key: PrivateKey) {
        self.state = state
        host = configuration.host
        self.key = key
    }

    /// Signs a receipt and puts it with those that wait.
    package func queue(_ receipt: Receipt) async throws {
        let bytes = try receipt.publishedBytes()
        let signature = try await verifiedSignature(by: key, over: bytes, scheme: .ed25519)
        let envelope = ReceiptEnvelope(receipt: Base64.encode(bytes), signature: Base64.encode(signature))
        try Files.write(
            try JSON(encoding: envelope).bytes, to: "\(state.receipts)/\(Self.name(receipt.sequence))", mode: 0o600)
        for name in try waiting().dropLast(Self.waitingLimit) { try Files.remove("\(state.receipts)/\(name)") }
    }

    /// Sends what waits, oldest first.
    ///
    /// - Returns: sentences about what the server would not take. A receipt that it refuses for good is let go;
    ///   when it cannot be reached, everything stays for the next time.
    package func send(_ transport: HTTPTransport) async -> [String] {
        var notes: [String] = []
        do {
            for name in try waiting() {
                let path = "\(state.receipts)/\(name)"
                let body = try Files.read(path, limit: 1 << 20)
                let answer = try await transport.post("/v1/hosts/\(host)/receipts", json: body, seconds: 30)
                switch answer.status {
                case 200..<300: try Files.remove(path)
                case 400..<500 where answer.status != 408 && answer.status != 429:
                    notes.append("the server refused a receipt of this host: \(ServerProblem(answer).text)")
                    try Files.remove(path)
                default:
                    return notes + ["the server answered \(answer.status) to a receipt; it waits for the next time"]
                }
            }
        } catch { notes.append("receipts wait for the next time: \(error)") }
        return notes
    }

    /// Names of the receipts that the server has not taken, oldest first.
    package func waiting() throws -> [String] {
        guard Files.exists(state.receipts) else { return [] }
        return try Files.list(state.receipts).filter { $0.hasSuffix(".json") && $0.utf8.first != UInt8(ascii: ".") }
    }

    private static func name(_ sequence: Int64) -> String {
        let digits = String(sequence)
        return String(repeating: "0", count: max(0, 19 - digits.utf8.count)) + digits + ".json"
    }
}
