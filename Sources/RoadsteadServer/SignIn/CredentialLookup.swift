import Codecs
import IdentityTokens
import Logging
import Observability
import RoadsteadStore

/// What a caller shows of itself.
enum ShownCredential: Sendable {
    case bearer(String)
    case key(ProvedKey)
}

/// Finds out who shows a credential, of whichever kind.
struct CredentialLookup: Sendable {
    let store: ApiStore
    let verifier: TokenVerifier
    let logger: Logger

    /// - Returns: nil for one that does not count, whatever the reason.
    func session(_ shown: ShownCredential, _ requestID: String, _ now: UTCDate) async throws -> Session? {
        do {
            switch shown {
            case .key(let key):
                return try await store.authenticate(certificateKeySHA256: key.sha256, requestID: requestID, now: now)
            case .bearer(let text):
                if let token = TokenText(text, .api) {
                    return try await store.authenticate(tokenSHA256: token.sha256, requestID: requestID, now: now)
                }
                guard text.contains(".") else { return nil }
                let identity = try await verifier.verify(text, for: .bearer, now: now)
                return try await store.authenticate(
                    identity, signUp: verifier.settings.signUp, requestID: requestID, now: now)
            }
        } catch let error as StoreError where error.code == .unauthenticated {
            return nil
        } catch let error as IdentityTokenError {
            return try refused(error, requestID)
        }
    }

    /// - Throws: `.unavailable` when it is the issuer that does not answer.
    private func refused(_ error: IdentityTokenError, _ requestID: String) throws -> Session? {
        log(error, requestID)
        guard error.code == .provider else { return nil }
        throw Self.providerAway
    }

    func log(_ error: IdentityTokenError, _ requestID: String) {
        let level: Logger.Level = error.code == .provider ? .warning : .info
        logger.log(
            level: level, "refused a provider's token",
            metadata: [
                LogKey.requestID.rawValue: "\(requestID)", LogKey.reason.rawValue: "\(error.code.rawValue): \(error)",
            ])
    }

    static let providerAway = ServerError(
        .unavailable, "the provider cannot be asked for its keys", hint: "try again, or sign in with a token")
}
