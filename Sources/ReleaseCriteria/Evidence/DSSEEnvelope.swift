package import Codecs
import OCI
import PKI

/// A signed statement as it travels: payload, its type, signatures. Nothing in it is believed yet. [DSSE v1.0.2]
package struct DSSEEnvelope: Sendable {
    package struct Signature: Sendable {
        package let bytes: [UInt8]
        /// The certificates that the signature brings, leaf first, DER; key ids are hints and are not read.
        package let certificates: [[UInt8]]

        package init(bytes: [UInt8], certificates: [[UInt8]] = []) {
            self.bytes = bytes
            self.certificates = certificates
        }
    }

    package let payloadType: String
    package let payload: [UInt8]
    package let signatures: [Signature]

    /// Largest envelope that is read; provenance of large builds has some hundred kilobytes.
    package static let maximumBytes = 2 << 20
    package static let maximumSignatures = 8
    static let maximumCertificates = 8

    package init(payloadType: String, payload: [UInt8], signatures: [Signature]) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    package init(parsing bytes: [UInt8]) throws(CriteriaError) {
        let tree: JSON
        do { tree = try JSON(parsing: bytes, limits: JSONLimits(bytes: Self.maximumBytes, depth: 8)) } catch {
            throw CriteriaError(error.code == .limit ? .limit : .envelope, "a DSSE envelope: \(error.reason)")
        }
        try self.init(tree)
    }

    /// Takes an envelope, or the one inside a Sigstore bundle; nothing else of the bundle is looked at.
    package init(bundled tree: JSON) throws(CriteriaError) {
        guard let bundle = tree.objectOrNil, let type = bundle["mediaType"]?.stringOrNil,
            type.hasPrefix(MediaType.sigstoreBundle)
        else {
            try self.init(tree)
            return
        }
        guard let envelope = bundle["dsseEnvelope"] else {
            throw CriteriaError(.envelope, "a Sigstore bundle without a DSSE envelope")
        }
        try self.init(envelope)
    }

    package init(_ tree: JSON) throws(CriteriaError) {
        do throws(CodecError) {
            let place = "the DSSE envelope"
            let object = try tree.object(place)
            payloadType = try object.string("payloadType", in: place)
            payload = try Self.bytes(try object.string("payload", in: place))
            let list = try object.array("signatures", in: place)
            guard (1...Self.maximumSignatures).contains(list.count) else {
                throw CodecError(
                    .limit, "\(place) has \(list.count) signatures, 1 to \(Self.maximumSignatures) are read")
            }
            signatures = try list.map { entry throws(CodecError) in
                try Self.signature(try entry.object("\(place).signatures[]"))
            }
        } catch {
            throw CriteriaError(error.code == .limit ? .limit : .envelope, error.reason)
        }
        guard payload.count <= Self.maximumBytes else {
            throw CriteriaError(.limit, "a statement has more than \(Self.maximumBytes) bytes")
        }
    }

    /// What the signatures are over: the type and the payload, each with its length.
    package var signedBytes: [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }

    private static func signature(_ object: JSONObject) throws(CodecError) -> Signature {
        let place = "the DSSE envelope.signatures[]"
        let bytes = try bytes(try object.string("sig", in: place))
        guard bytes.count <= 2_048 else { throw CodecError(.limit, "a signature has \(bytes.count) bytes") }
        var files: [[UInt8]] = []
        if let text = object["cert"] { files.append(Array(try text.string("\(place).cert").utf8)) }
        if let text = object["certificate"] { files.append(try Self.bytes(try text.string("\(place).certificate"))) }
        for entry in try object["intermediates"]?.array("\(place).intermediates") ?? [] {
            files.append(try Self.bytes(try entry.string("\(place).intermediates[]")))
        }
        var certificates: [[UInt8]] = []
        for file in files where !file.isEmpty {
            do throws(PKIError) { certificates += try Certificate.parse(pemOrDER: file).map(\.der) } catch {
                throw CodecError(.value, "\(place): \(error.reason)")
            }
        }
        guard certificates.count <= maximumCertificates else {
            throw CodecError(.limit, "a signature brings \(certificates.count) certificates")
        }
        return Signature(bytes: bytes, certificates: certificates)
    }

    /// Either alphabet may be used, the one of URLs with or without padding. [DSSE protocol]
    private static func bytes(_ text: String) throws(CodecError) -> [UInt8] {
        let isURL = text.utf8.contains { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        guard isURL else { return try Base64.decode(text) }
        let padding = text.utf8.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        return try Base64.decode(String(text.dropLast(min(padding, 2))), .url)
    }
}
