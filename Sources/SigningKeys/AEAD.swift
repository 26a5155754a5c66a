import OpenSSLKit

/// Sealing under a symmetric key, such as a server's master key: AES-256-GCM with a random nonce.
///
/// Random nonces of 96 bits bound one key to 2^32 messages, far above the number of keys that a server holds.
package enum AEAD {
    package static let keyBytes = AESGCM.keyBytes

    /// Returns nonce, ciphertext and tag in one; `context` is authenticated with it and must be given again to open.
    package static func seal(
        _ plaintext: [UInt8], key: Secret, authenticating context: [UInt8]
    ) throws(KeyError) -> [UInt8] {
        let nonce = RandomBytes.make(AESGCM.nonceBytes)
        do {
            return nonce + (try AESGCM.seal(plaintext, key: key.bytes, nonce: nonce, authenticating: context))
        } catch {
            throw KeyError(.failed, "sealing: \(error.reason)")
        }
    }

    /// Opens what `seal` returned; throws `sealed` when key, context or a single bit is another.
    package static func open(
        _ sealed: [UInt8], key: Secret, authenticating context: [UInt8]
    ) throws(KeyError) -> Secret {
        guard sealed.count >= AESGCM.nonceBytes + AESGCM.tagBytes else {
            throw KeyError(.sealed, "sealed bytes are shorter than nonce and tag")
        }
        do {
            var plaintext = try AESGCM.open(
                Array(sealed.dropFirst(AESGCM.nonceBytes)), key: key.bytes,
                nonce: Array(sealed.prefix(AESGCM.nonceBytes)), authenticating: context)
            return Secret(wiping: &plaintext)
        } catch {
            throw KeyError(.sealed, error.reason)
        }
    }
}
