import Codecs
import Envelopes
import PKI
import Problems
import SigningKeys

/// A time-stamping authority behind a URL. [RFC 3161 §3.4]
struct TimestampService: TimestampSource {
    let url: String
    let http: any HTTPReach
    /// Whom a timestamp must lead to.
    let roots: [Certificate]

    /// How long an answer may take.
    static let deadline = Duration.seconds(20)

    func timestamp(over signature: [UInt8], hash: HashAlgorithm) async throws -> VerifiedTimestamp {
        let request = try TimestampRequest(over: signature, hash: hash)
        let response = try await http.send(
            HTTPRequest(
                .post, url,
                headers: [("content-type", TimestampRequest.mediaType), ("accept", TimestampResponse.mediaType)],
                body: request.der, maximumBytes: TimestampResponse.maximumBytes, deadline: Self.deadline))
        guard response.status == 200 else {
            throw refused("it answers with HTTP status \(response.status)")
        }
        let type = response.headers.first { $0.name == "content-type" }?.value ?? ""
        guard type.split(separator: ";").first.map({ $0.lowercased() }) == TimestampResponse.mediaType else {
            throw refused("it answers with \"\(type.prefix(80))\", not \(TimestampResponse.mediaType)")
        }
        do throws(PKIError) {
            return try request.timestamp(in: response.body).verified(over: signature, roots: roots)
        } catch {
            throw refused(
                error.reason, hint: error.code == .timestampUntrusted ? "is --timestamp-root the right file?" : nil)
        }
    }

    private func refused(_ reason: String, hint: String? = nil) -> CommandError {
        CommandError(
            .refused,
            "the time-stamping authority \(url) gave no timestamp that counts, and nothing was signed: \(reason)",
            hint: hint)
    }
}
