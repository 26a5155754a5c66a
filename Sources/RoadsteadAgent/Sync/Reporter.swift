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

    /// What came of sending.
    package struct Sent: Sendable {
        /// Sentences about what the server would not take.
        package var notes: [String] = []
        /// The number of a receipt that tells of more than the server knows to have published.
        package var ahead: Int64?
    }

    package let state: StateDirectory
    package let host: String
    private let key: PrivateKey

    package init(_ state: StateDirectory, _ configuration: AgentConfiguration, key: PrivateKey) {
        self.state = state
        host = configuration.host
        self.key = key
    }

    /// Signs a receipt and sends it after those that wait; it is kept when the server cannot be reached.
    ///
    /// One that the server refuses for good is let go. One that is lost to a crash is no loss: the next tells the whole
    /// state, and the sequence number was used up before.
    package func report(_ receipt: Receipt, _ transport: HTTPTransport) async throws -> Sent {
        let bytes = try receipt.publishedBytes()
        let signature = try await verifiedSignature(by: key, over: bytes, scheme: .ed25519)
        let envelope = ReceiptEnvelope(receipt: Base64.encode(bytes), signature: Base64.encode(signature))
        let body = try JSON(encoding: envelope).bytes
        var sent = Sent()
        if await sendWaiting(transport, &sent), await send(body, receipt.sequence, transport, &sent) { return sent }
        try Files.write(body, to: "\(state.receipts)/\(Self.name(receipt.sequence))", mode: 0o600)
        for name in try waiting().dropLast(Self.waitingLimit) { try Files.remove("\(state.receipts)/\(name)") }
        return sent
    }

    /// Sends what waits, oldest first.
    ///
    /// - Returns: whether nothing waits any more.
    private func sendWaiting(_ transport: HTTPTransport, _ sent: inout Sent) async -> Bool {
        do {
            for name in try waiting() {
                let path = "\(state.receipts)/\(name)"
                let body = try Files.read(path, limit: 1 << 20)
                guard await send(body, Int64(name.dropLast(5)), transport, &sent) else { return false }
                try Files.remove(path)
            }
            return true
        } catch {
            sent.notes.append("receipts wait for the next time: \(error)")
            return false
        }
    }

    /// - Returns: whether the server has decided about it, one way or the other.
    private func send(
        _ body: [UInt8], _ sequence: Int64?, _ transport: HTTPTransport, _ sent: inout Sent
    ) async -> Bool {
        do {
            let answer = try await transport.post("/v1/hosts/\(host)/receipts", json: body, seconds: 30)
            switch answer.status {
            case 200..<300: return true
            case 400..<500 where answer.status != 408 && answer.status != 429:
                let problem = ServerProblem(answer)
                sent.notes.append("the server refused a receipt of this host: \(problem.text)")
                if problem.isHostAhead { sent.ahead = sequence }
                return true
            default:
                sent.notes.append("the server answered \(answer.status) to a receipt; it waits for the next time")
            }
        } catch { sent.notes.append("receipts wait for the next time: \(error)") }
        return false
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
