import Codecs

/// What a time-stamping authority answered. [RFC 3161 §2.4.2]
package enum TimestampResponse {
    package static let mediaType = "application/timestamp-reply"
    /// Larger than any honest answer: a token and a status.
    package static let maximumBytes = UnverifiedTimestamp.maximumBytes + 4_096
}

extension TimestampRequest {
    /// Takes the timestamp out of an answer to this request: it was granted, is for the same hash, repeats the nonce, and
    /// was made under the policy that was asked for. Who made it is still to be verified.
    package func timestamp(in response: [UInt8]) throws(PKIError) -> UnverifiedTimestamp {
        guard response.count <= TimestampResponse.maximumBytes else {
            throw PKIError(
                .limit,
                "the authority's answer has \(response.count) bytes, at most \(TimestampResponse.maximumBytes) are read"
            )
        }
        let token: [UInt8]
        do {
            token = try Self.token(in: response)
        } catch let error as PKIError {
            throw error
        } catch let error as CodecError {
            throw PKIError(.malformed, "the authority's answer is no timestamp response: \(error.reason)")
        } catch {
            throw PKIError(.malformed, "the authority's answer is no timestamp response")
        }
        let timestamp = try UnverifiedTimestamp(der: token)
        try check(timestamp.info)
        return timestamp
    }

    private func check(_ info: TimestampInfo) throws(PKIError) {
        guard info.hash == hash, info.imprint == imprint else {
            throw PKIError(.timestampMismatch, "the authority's timestamp is for other bytes than were sent")
        }
        guard info.nonce == nonce else {
            throw PKIError(
                .timestampMismatch,
                "the authority's timestamp " + (info.nonce == nil ? "does not repeat the nonce" : "has another nonce")
                    + ": it may answer another request")
        }
        guard policy == nil || info.policy == policy else {
            throw PKIError(.timestampMismatch, "the authority's timestamp was made under policy \(info.policy)")
        }
    }

    private static func token(in response: [UInt8]) throws -> [UInt8] {
        var fields = try DERReader(inside: DERReader.single(response, .sequence))
        var status = try DERReader(inside: fields.read(.sequence))
        let number = try status.read(.integer).smallInteger()
        let texts = try status.readOptional(.sequence).map(texts) ?? []
        let failures = try status.readOptional(.bitString)?.namedBits() ?? []
        try status.end()
        let token = fields.isAtEnd ? nil : try fields.read(.sequence)
        try fields.end()
        guard number <= 1 else { throw refusal(number, texts, failures) }
        guard let token else { throw PKIError(.malformed, "the authority granted a timestamp and sent none") }
        return Array(token.encoded)
    }

    private static func texts(_ element: DERElement) throws -> [String] {
        var reader = try DERReader(inside: element)
        var texts: [String] = []
        while !reader.isAtEnd, texts.count < 4 { texts.append(try reader.read(.utf8String).text ?? "") }
        return texts
    }

    private static func refusal(_ status: Int, _ texts: [String], _ failures: Set<Int>) -> PKIError {
        let named = failures.sorted().map { reasons[$0] ?? "reason \($0)" }
        let words = (named + texts.map { "\"\($0.cut(to: 120))\"" }).joined(separator: ", ")
        return PKIError(
            .timestampRefused,
            "the authority refused a timestamp (status \(status))" + (words.isEmpty ? "" : ": \(words)"))
    }

    /// PKIFailureInfo. [RFC 3161 §2.4.2]
    private static let reasons = [
        0: "unknown or refused hash", 2: "request not permitted", 5: "malformed request", 14: "no time source",
        15: "unknown policy", 16: "unknown extension", 17: "more was asked for than is available", 25: "system failure",
    ]
}
