import Codecs
import TrustModel

let now = UTCDate(seconds: 1_795_000_000)

func team(_ name: String = "acme") throws -> TeamName { try TeamName(name) }

func bindings(_ pairs: (PersonRole, RoleReach)...) throws -> [RoleBinding] {
    try pairs.map { try RoleBinding($0.0, $0.1) }
}

func anchorFacts(
    key: AnchorKey = .ec(bits: 256), signatureHash: String = "sha256", validDays: Int64 = 3_650,
    notAfter: UTCDate? = nil, isCertificateAuthority: Bool = true,
    keySHA256: String = String(repeating: "cd", count: 32)
) -> AnchorFacts {
    let end = notAfter ?? now.adding(days: validDays)
    return AnchorFacts(
        certificateSHA256: String(repeating: "ab", count: 32), keySHA256: keySHA256,
        subject: "CN=Acme Root,O=Acme,C=US",
        attributes: [
            .init(type: "CN", value: "Acme Root"), .init(type: "O", value: "Acme"), .init(type: "C", value: "US"),
        ],
        key: key, notBefore: end.adding(days: -validDays), notAfter: end, signatureHash: signatureHash,
        isCertificateAuthority: isCertificateAuthority, isSelfSigned: true)
}

func vendorName(_ text: String = "azure-iot") -> VendorName {
    guard let name = VendorName(rawValue: text) else { preconditionFailure("\(text) is no vendor's name") }
    return name
}
