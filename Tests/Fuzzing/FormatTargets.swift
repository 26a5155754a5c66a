import Codecs
import Envelopes
import OCI
import PKI
import ReleaseCriteria
import SigningKeys
import TokenWire
import TrustModel

private let now = UTCDate(seconds: 1_780_000_000)

extension FuzzTarget {
    /// What is parsed is written and parsed again to the same; its canonical form is stable.
    static let json = FuzzTarget(name: "json") { bytes in
        _ = try? JSON(parsingFirstValueOf: bytes)
        guard let tree = try? JSON(parsing: bytes) else { return }
        guard let again = try? JSON(parsing: tree.bytes) else { preconditionFailure("its own writing is refused") }
        precondition(again.bytes == tree.bytes, "writing is not stable")
        guard let canonical = try? tree.canonicalBytes() else { return }
        precondition((try? again.canonicalBytes()) == canonical, "the canonical form is not stable")
        precondition((try? tree.sorted.canonicalBytes()) == canonical, "the canonical form depends on the order")
    }

    static let certificate = FuzzTarget(name: "certificate") { bytes in
        walk(DERReader(bytes))
        _ = try? Certificate.parse(pemOrDER: bytes)
        if let name = try? DistinguishedName(String(decoding: bytes, as: UTF8.self)) {
            precondition((try? DistinguishedName("\(name)")) == name, "a name's text is not that name")
        }
        guard let certificate = try? Certificate(der: bytes) else { return }
        precondition(certificate.der == bytes, "a certificate is not its bytes")
        _ = certificate.isSelfSigned
        _ = AnchorRules.findings(for: certificate, purpose: .codeSigning, at: now)
        _ = AnchorRules.findings(for: certificate, purpose: .timestamping, at: now)
        _ = try? UnverifiedChain([certificate, certificate])
    }

    /// A list that is taken is its bytes, holds each number once, and is what is written from what was read of it.
    static let crl = FuzzTarget(name: "crl") { bytes in
        _ = RevocationList.isMeant(by: bytes)
        guard let list = try? RevocationList(pemOrDER: bytes) else { return }
        precondition(list.der == bytes || bytes.first != 0x30, "a list is not its bytes")
        precondition(list.entries.allSatisfy { list[$0.serialNumber] == $0 }, "an entry is not found")
        precondition((try? RevocationList(pemOrDER: Array(list.pem.utf8)))?.der == list.der, "PEM is another list")
    }

    /// What every seed of a timestamp is over.
    static let stamped = Array("fuzz".utf8)

    /// A token that is taken is its bytes, and its bounds lie around its time; what is trusted was made over these bytes.
    static let timestamp = FuzzTarget(name: "timestamp") { bytes in
        _ = try? stampRequest?.timestamp(in: bytes)
        guard let timestamp = try? UnverifiedTimestamp(der: bytes) else { return }
        precondition(timestamp.der == bytes, "a token is not its bytes")
        let info = timestamp.info
        precondition(info.earliest <= info.time && info.time <= info.latest, "a time is out of its bounds")
        guard let verified = try? timestamp.verified(over: stamped, roots: timestamp.certificates) else { return }
        precondition(verified.isOver(stamped) && verified.chain.leaf.isValid(at: verified.time), "a trusted token lies")
    }

    private static let stampRequest = try? TimestampRequest(over: stamped, hash: .sha256)

    private static func walk(_ reader: DERReader) {
        var reader = reader
        while let element = try? reader.next() {
            _ = try? element.integerBytes()
            _ = try? element.bitStringBytes()
            if element.tag.isConstructed, let inner = try? DERReader(inside: element) { walk(inner) }
            if let inner = try? DERReader(wrapped: element), element.content.first == 0x30 { walk(inner) }
        }
    }

    /// Only the shortest form is taken, so what is parsed is written as the same bytes, map order aside.
    static let cbor = FuzzTarget(name: "cbor") { bytes in
        guard let value = try? CBOR(parsing: bytes) else { return }
        let written = value.encoded
        guard let again = try? CBOR(parsing: written) else { preconditionFailure("its own writing is refused") }
        precondition(again.encoded == written, "writing is not stable")
    }

    static let envelope = FuzzTarget(name: "envelope") { bytes in
        for format in [EnvelopeFormat.jws, .cose] {
            _ = try? UnverifiedEnvelope(parsing: bytes, format: format).verified()
        }
        _ = try? TargetArtifact(payload: bytes)
    }

    /// A key URI written out again names the same key; a message that is taken is written as the same bytes.
    static let token = FuzzTarget(name: "token") { bytes in
        if let uri = try? TokenURI(String(decoding: bytes, as: UTF8.self)) {
            guard let again = try? TokenURI(uri.description) else { preconditionFailure("its own writing is refused") }
            precondition(again.description == uri.description, "writing is not stable")
            precondition(again.object == uri.object && again.id == uri.id && again.token == uri.token, "another key")
        }
        _ = try? Frame.length(Array(bytes.prefix(Frame.headerBytes)))
        if let request = try? TokenRequest(message: bytes), let frame = try? request.frame() {
            precondition(Array(frame.dropFirst(Frame.headerBytes)) == bytes, "a request is not its bytes")
        }
        if let response = try? TokenResponse(message: bytes), let frame = try? response.frame() {
            precondition(Array(frame.dropFirst(Frame.headerBytes)) == bytes, "an answer is not its bytes")
        }
    }

    /// A reference is written as the text it was read from.
    static let reference = FuzzTarget(name: "reference") { bytes in
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        if let reference = try? Reference(text) {
            precondition("\(reference)".utf8.elementsEqual(text.utf8), "a reference is not its text")
        }
        if let scope = try? RegistryScope(text) { _ = "\(scope)" }
        _ = try? Digest(text)
        _ = try? Manifest(parsing: bytes)
        _ = try? Index(parsing: bytes)
    }

    static let policy = FuzzTarget(name: "policy") { bytes in
        _ = try? NotationPolicy(parsing: bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        _ = try? TrustedIdentity(text)
        _ = try? NamedStore(text)
        _ = try? TeamPolicy(verifiedBytes: bytes)
        _ = try? DenyDocument(verifiedBytes: bytes)
        _ = try? FleetSettings(verifiedBytes: bytes)
    }

    static let join = FuzzTarget(name: "join") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        guard let join = try? JoinString(parsing: text) else { return }
        guard let written = try? join.text else { preconditionFailure("what was read cannot be written") }
        precondition((try? JoinString(parsing: written)) == join, "a join string is not its text")
    }

    /// Evidence and bytes to be signed, as a stranger hands them over: whatever is read, nothing is allowed by it, since
    /// no attester signed it; and what is taken to be signed is exactly what was given.
    static let evidence = FuzzTarget(name: "evidence") { bytes in
        if let input = try? SigningInput(parsing: bytes) { precondition(input.artifact.size >= 0, "no artifact") }
        if let statement = try? Statement(parsing: bytes) {
            _ = try? Provenance(statement)
            _ = try? TestReport(statement)
            _ = try? ScanReport(statement)
            _ = try? ReviewReport(statement)
            _ = try? ApprovalStatement(statement)
        }
        guard let envelope = try? DSSEEnvelope(parsing: bytes) else { return }
        precondition(envelope.signedBytes.count > envelope.payload.count, "nothing says what is signed")
        _ = try? Statement(envelope)
    }
}
