import Codecs
package import SigningKeys

/// A request for a certificate, signed by the key that it asks for. [RFC 2986]
package struct CertificateRequest: Sendable {
    package let der: [UInt8]
    package let subject: DistinguishedName
    package let publicKey: PublicKey

    package static let maximumBytes = 64 << 10

    package var pem: String { PEMBlock(label: "CERTIFICATE REQUEST", bytes: der).text }

    /// Makes a request for a certificate that signs artifacts, with a key wherever it lives.
    package static func codeSigning(
        subject: DistinguishedName, signer: some Signer
    ) async throws -> CertificateRequest {
        guard !subject.isEmpty else { throw PKIError(.refused, "a certificate request would have no subject") }
        let extensions = [
            CertificateExtension.keyUsage([.digitalSignature]),
            try .extendedKeyUsage([ObjectIdentifier.codeSigning]),
        ]
        let attribute = DER.sequence(
            try DER.objectIdentifier(extensionRequest),
            DER.set(of: [DER.sequence(of: try extensions.map { try $0.encoded })]))
        let signedBytes = DER.sequence(
            DER.integer(0), subject.der, signer.publicKey.spki,
            DER.element(.context(0, constructed: true), attribute))
        let scheme = signer.publicKey.type.certificateScheme
        let signature = try await verifiedSignature(by: signer, over: signedBytes, scheme: scheme)
        let algorithm = try CertificateSignatureAlgorithm.encoded(scheme)
        return try CertificateRequest(der: DER.sequence(signedBytes, algorithm, DER.bitString(signature)))
    }

    /// Reads a request and checks its signature. What it asks for beside name and key is the issuer's to decide.
    package init(der: [UInt8]) throws(PKIError) {
        guard der.count <= Self.maximumBytes else {
            throw PKIError(.limit, "a request has \(der.count) bytes, at most \(Self.maximumBytes) are read")
        }
        do {
            var outer = try DERReader(inside: DERReader.single(der, .sequence))
            let signed = try outer.read(.sequence)
            let algorithm = try CertificateSignatureAlgorithm(outer.read(.sequence))
            let signature = try outer.read(.bitString).bitStringBytes()
            try outer.end()
            var body = try DERReader(inside: signed)
            guard try body.read(.integer).smallInteger() == 0 else {
                throw PKIError(.malformed, "a certificate request is not of version 1")
            }
            subject = try DistinguishedName(body.read(.sequence))
            publicKey = try PublicKey(spki: Array(body.read(.sequence).encoded))
            guard let scheme = algorithm.scheme,
                publicKey.isValid(
                    signature: signature, over: Array(signed.encoded), certificateScheme: scheme)
            else {
                throw PKIError(
                    .refused, "the certificate request is not signed by the key that it asks for",
                    hint: "whoever asks for a certificate proves that the key is theirs")
            }
            self.der = der
        } catch let error as PKIError {
            throw error
        } catch let error as CodecError {
            throw PKIError(.malformed, "a certificate request is malformed: \(error.reason)")
        } catch let error as KeyError {
            throw PKIError(.refused, "a certificate request is for a key that is not used: \(error.reason)")
        } catch {
            throw PKIError(.malformed, "a certificate request is malformed")
        }
    }

    /// Reads one PEM block.
    package init(pem: [UInt8]) throws(PKIError) {
        let blocks: [PEMBlock]
        do throws(CodecError) { blocks = try PEM.decode(pem, maximumBytes: Self.maximumBytes) } catch {
            throw PKIError(.malformed, "a certificate request is malformed: \(error.reason)", hint: error.hint)
        }
        guard let block = blocks.first, blocks.count == 1,
            ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"].contains(block.label)
        else { throw PKIError(.malformed, "exactly one PEM block CERTIFICATE REQUEST belongs here") }
        try self.init(der: block.bytes)
    }

    private static let extensionRequest = "1.2.840.113549.1.9.14"
}
