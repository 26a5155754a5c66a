import Codecs
import PKI
import SigningKeys
import TrustModel

extension CertificateFile {
    /// The chain of a key, in order and whole, out of certificates in any order.
    ///
    /// - Parameter preferred: certificates among which the key's own is looked for first.
    /// - Throws: `CommandError(.environment)` where no certificate is of this key, or an issuer is missing.
    static func chain(
        of key: PublicKey, among certificates: [Certificate], preferring preferred: [Certificate] = [], at now: UTCDate
    ) throws(CommandError) -> [Certificate] {
        let chain = Certificate.chain(of: key, among: certificates, preferring: preferred, at: now)
        guard let last = chain.last else {
            throw CommandError(
                .environment, "none of the \(certificates.count) certificates is of the key that signs",
                hint: "give the key's own certificate and its issuers with --certificate-chain")
        }
        guard last.isSelfSigned else {
            throw CommandError(
                .environment,
                "the certificate chain ends at \"\(last.subjectText)\": the certificate of its issuer \"\(last.issuer.shortDescription)\" is missing",
                hint: "give it, and its own issuers up to the root, with --certificate-chain")
        }
        return chain
    }

    /// The certificates of a key: those that lie beside it, and those of a file that completes them.
    static func chain(of key: OpenedKey, file: String?, at now: UTCDate) throws -> [Certificate] {
        let given = try file.map { try chain($0) } ?? []
        let beside = given.isEmpty ? try chain(beside: key) : (try? chain(beside: key)) ?? []
        return try chain(
            of: key.signer.publicKey, among: given + beside.filter { !given.contains($0) }, preferring: given, at: now)
    }
}
