/// Something that holds a private key and signs with it: a file, a token, a service.
package protocol Signer: Sendable {
    var publicKey: PublicKey { get }

    /// Signs a message as it is; hashing is part of the scheme. Callers use ``verifiedSignature(by:over:scheme:)``.
    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8]

    /// Whether the key can make such signatures where it lives, asked before anything is sent there.
    ///
    /// - Throws: `KeyError(.scheme)` with the reason.
    func check(_ scheme: SignatureScheme) throws(KeyError)
}

extension Signer {
    package func check(_ scheme: SignatureScheme) throws(KeyError) {
        guard publicKey.type.supports(scheme) else {
            throw KeyError(.scheme, "a key of type \(publicKey.type) does not make signatures of \(scheme)")
        }
    }
}

/// Any signer, for what is generic over its signer's type.
package struct AnySigner: Signer {
    private let signer: any Signer

    package init(_ signer: any Signer) { self.signer = signer }

    package var publicKey: PublicKey { signer.publicKey }

    package func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        try await signer.signature(over: message, scheme: scheme)
    }

    package func check(_ scheme: SignatureScheme) throws(KeyError) { try signer.check(scheme) }
}

/// Signs, and returns the signature only if the signer's public key confirms it: no fault in a token, a service or a
/// processor lets a wrong signature out.
package func verifiedSignature(
    by signer: some Signer, over message: [UInt8], scheme: SignatureScheme
) async throws -> [UInt8] {
    try signer.check(scheme)
    let signature = try await signer.signature(over: message, scheme: scheme)
    guard signer.publicKey.isValid(signature: signature, over: message, scheme: scheme) else {
        throw KeyError(
            .unconfirmedSignature, "the signer returned a signature that its own public key does not confirm",
            hint: "the token or service may hold another key than it says, or be faulty; nothing was signed")
    }
    return signature
}
