import Codecs
import HTTPTypes
import NIOCore
import SigningKeys

/// One published file with the headers that go with it, made once.
struct ServedFile: Sendable {
    let body: ByteBuffer
    /// Strong: SHA-256 of the bytes. [RFC 9110 §8.8.3]
    let etag: String
    let headers: HTTPFields
    /// Headers of `304`: what HTTP demands and no more, since most answers are this one. [RFC 9110 §15.4.5]
    let unchangedHeaders: HTTPFields

    init(_ bytes: [UInt8], path: FleetPath) {
        body = ByteBuffer(bytes: bytes)
        etag = "\"\(Hex.encode(HashAlgorithm.sha256.digest(of: bytes)))\""
        var headers: HTTPFields = [.eTag: etag, .cacheControl: path.cacheControl]
        unchangedHeaders = headers
        headers[.xContentTypeOptions] = "nosniff"
        headers[.contentType] = path.contentType
        headers[.contentLength] = String(bytes.count)
        self.headers = headers
    }

    var count: Int { body.readableBytes }
}
