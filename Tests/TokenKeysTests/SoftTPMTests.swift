import SigningKeys
import TestTokens
import Testing
import TokenWire

@testable import TokenKeys

/// The TPM of a machine: swtpm, its resource manager and tpm2-pkcs11.
@Suite(.serialized) struct SoftTPMTests {
    @Test func `a TPM makes keys of the types that it has, signs with them, and keeps their certificates`() async throws
    {
        try await SoftTPM.withTPM { tpm in
            let backend = PKCS11Backend(tpm.token.settings())
            for (label, type, scheme) in [
                ("p256", KeyType.ec(.p256), SignatureScheme.ecdsa(.sha256, .fixed)),
                ("p384", .ec(.p384), .ecdsa(.sha384, .fixed)), ("rsa", .rsa(bits: 2_048), .rsaPSS(.sha256)),
            ] {
                let name = try KeyName("pkcs11:token=tpm;object=\(label)")
                let made = try await backend.generate(type, name)
                let opened = try await PKCS11Backend(tpm.token.settings()).open(name)
                #expect(opened.signer.publicKey == made.signer.publicKey && opened.signer.publicKey.type == type)
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: scheme)
            }
            let unsupported = await failure {
                _ = try await backend.generate(.ec(.p521), try KeyName("pkcs11:token=tpm;object=p521"))
            }
            #expect(unsupported != nil)
            let listing = try await backend.list(try KeyName("pkcs11:token=tpm"))
            #expect(listing.entries.count == 3)
            let name = try KeyName("pkcs11:token=tpm;object=p256")
            let chain = try await TestChain(try await backend.publicKey(name))
            try await backend.store(nil, certificates: chain.ders, at: name)
            #expect(try await PKCS11Backend(tpm.token.settings()).open(name).certificates == chain.ders)
        }
    }

    @Test func `a TPM takes no key from outside, says so, and keeps what it has`() async throws {
        try await SoftTPM.withTPM { tpm in
            let backend = PKCS11Backend(tpm.token.settings())
            let own = try await backend.generate(.ec(.p256), try KeyName("pkcs11:token=tpm;object=own"))
            let foreign = try PrivateKey.generate(.ec(.p256))
            let error = await failure {
                try await backend.store(foreign, certificates: [], at: try KeyName("pkcs11:token=tpm;object=foreign"))
            }
            #expect(
                error?.hint?.contains("their own tools") == true
                    && error?.reason.contains("putting a private key on the token") == true, "\(error as Any)")
            let listing = try await backend.list(try KeyName("pkcs11:token=tpm"))
            #expect(listing.entries.map(\.publicKey) == [own.signer.publicKey])
            _ = try await verifiedSignature(by: own.signer, over: message, scheme: .ecdsa(.sha256, .fixed))
        }
    }
}
