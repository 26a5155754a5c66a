internal import CPKCS11

/// A certificate on a token, as bytes: nothing here reads or believes it.
package struct CertificateObject: Sendable, Hashable {
    package let label: String
    package let id: [UInt8]
    package let der: [UInt8]
    /// What a token wants to have beside a certificate that it is given, each in DER; empty for one that was read.
    package let subject: [UInt8]
    package let issuer: [UInt8]
    package let serialNumber: [UInt8]

    package init(
        label: String, id: [UInt8], der: [UInt8], subject: [UInt8] = [], issuer: [UInt8] = [],
        serialNumber: [UInt8] = []
    ) {
        self.label = label
        self.id = id
        self.der = der
        self.subject = subject
        self.issuer = issuer
        self.serialNumber = serialNumber
    }
}

extension Session {
    /// The X.509 certificates on the token with that identifier and that subject (DER), as far as one is given: at most
    /// `limit` of at most 16 KiB each, and in words what was left out.
    package func certificates(
        id: [UInt8]?, subject: [UInt8]?, atMost limit: Int
    ) throws(PKCS11Error) -> (certificates: [CertificateObject], skipped: [String]) {
        var certificates: [CertificateObject] = []
        var skipped: [String] = []
        var template = [ObjectAttribute.number(CKA_CLASS, CKO_CERTIFICATE)]
        if let id { template.append(.bytes(CKA_ID, id)) }
        if let subject { template.append(.bytes(CKA_SUBJECT, subject)) }
        for handle in try find(template, stoppingAt: limit + 1) {
            guard certificates.count < limit else {
                skipped.append("certificates above the first \(limit)")
                break
            }
            do throws(PKCS11Error) {
                let found = try certificate(handle)
                if id.map({ $0 == found.id }) ?? true { certificates.append(found) }
            } catch {
                guard error.code != .lost else { throw error }
                skipped.append("certificate: \(error.reason)")
            }
        }
        return (certificates, skipped)
    }

    private func certificate(_ handle: CK_OBJECT_HANDLE) throws(PKCS11Error) -> CertificateObject {
        let (label, id) = try name(of: handle)
        let type = try number(CKA_CERTIFICATE_TYPE, of: handle) ?? CK_ULONG(CKC_X_509)
        let der = try attribute(CKA_VALUE, of: handle) ?? []
        guard type == CK_ULONG(CKC_X_509), (1...Self.maximumCertificate).contains(der.count) else {
            throw PKCS11Error(.malformed, "\"\(label)\" is of another form, or has \(der.count) bytes")
        }
        return CertificateObject(label: label, id: id, der: der)
    }

    package static let maximumCertificate = 16_384
}
