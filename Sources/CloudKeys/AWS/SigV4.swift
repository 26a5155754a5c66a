import Codecs
import SigningKeys

/// What signs a request to AWS.
struct AWSCredentials: Sendable {
    let id: String
    let secret: Secret
    /// Belongs to credentials that expire.
    let session: String?
}

/// AWS Signature Version 4 for requests without a query, their whole body signed.
struct SigV4: Sendable {
    let credentials: AWSCredentials
    let region: String
    let service: String

    /// Returns the headers with those that sign them: `X-Amz-Date`, `X-Amz-Security-Token`, `Authorization`.
    func signed(
        _ headers: [(name: String, value: String)], host: String, path: String = "/", body: [UInt8], at date: UTCDate
    ) -> [(name: String, value: String)] {
        let time = String(date.description.filter { $0 != "-" && $0 != ":" })
        var result = headers + [(name: "X-Amz-Date", value: time)]
        if let session = credentials.session { result.append((name: "X-Amz-Security-Token", value: session)) }
        let canonical = Self.canonicalRequest(result, host: host, path: path, body: body)
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: Array(canonical.text.utf8)))
        let text = "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(digest)"
        let signature = Hex.encode(hmacSHA256(Array(text.utf8), key: key(String(time.prefix(8)))))
        let value = "AWS4-HMAC-SHA256 Credential=\(credentials.id)/\(scope), "
        let rest = "SignedHeaders=\(canonical.names), Signature=\(signature)"
        return result + [(name: "Authorization", value: value + rest)]
    }

    static func canonicalRequest(
        _ headers: [(name: String, value: String)], host: String, path: String, body: [UInt8]
    ) -> (text: String, names: String) {
        let sorted = (headers + [(name: "Host", value: host)])
            .map { (name: $0.name.lowercased(), value: $0.value) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        let names = sorted.map(\.name).joined(separator: ";")
        let lines = sorted.map { "\($0.name):\($0.value)\n" }.joined()
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: body))
        return ("POST\n\(path)\n\n\(lines)\n\(names)\n\(digest)", names)
    }

    private func key(_ day: String) -> Secret {
        var start = credentials.secret.withBytes { Array("AWS4".utf8) + $0 }
        var key = Secret(wiping: &start)
        for part in [day, region, service, "aws4_request"] {
            var next = hmacSHA256(Array(part.utf8), key: key)
            key = Secret(wiping: &next)
        }
        return key
    }
}
