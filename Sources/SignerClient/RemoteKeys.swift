package import Codecs
import OCI
package import ReleaseCriteria
package import SigningKeys

/// What goes along with every request of one command.
package struct SigningCase: Sendable {
    /// DSSE envelopes that speak for the artifact.
    package var evidence: [JSON]
    /// Asks the service to look for more evidence where the image lies.
    package var looksInRegistry: Bool
    /// Asks what would be decided, and signs nothing.
    package var isDryRun: Bool
    /// Is told every decision, allowed or not.
    package var onDecision: @Sendable (SigningDecisionBody) -> Void

    package init(
        evidence: [JSON] = [], looksInRegistry: Bool = false, isDryRun: Bool = false,
        onDecision: @escaping @Sendable (SigningDecisionBody) -> Void = { _ in }
    ) {
        self.evidence = evidence
        self.looksInRegistry = looksInRegistry
        self.isDryRun = isDryRun
        self.onDecision = onDecision
    }
}

/// Keys of signing services: the backend of `roadstead://`.
package struct RemoteKeys: KeyBackend {
    private let access: @Sendable (_ authority: String) throws -> SignerAccess
    private let context: SigningCase
    private let deadline: Duration

    package init(
        context: SigningCase = SigningCase(), deadline: Duration = .seconds(60),
        access: @escaping @Sendable (_ authority: String) throws -> SignerAccess
    ) {
        self.context = context
        self.deadline = deadline
        self.access = access
    }

    package func open(_ name: KeyName) async throws -> OpenedKey {
        let address = try SignerAddress(name)
        let connection = try SignerConnection(address, try access(address.authority), deadline: deadline)
        let key = try await connection.key()
        guard let pem = key.publicKey else {
            throw SignerClientError(
                .away, "the key \"\(address.key)\" is not available at \(address.authority)", hint: key.problem)
        }
        let chain = try key.certificateChain.map { try Base64.decode($0) }
        let signer = RemoteSigner(
            publicKey: try PublicKey(pem: Array(pem.utf8)), connection: connection, context: context)
        return OpenedKey(signer, name: name, certificates: chain)
    }
}

/// A key that a signing service keeps, and uses for what it is convinced of.
struct RemoteSigner: Signer {
    let publicKey: PublicKey
    let connection: SignerConnection
    let context: SigningCase

    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        let body = SigningRequestBody(
            toBeSigned: message, scheme: scheme, evidence: context.evidence, image: SigningSubject.image,
            evidenceFrom: try evidencePlace)
        let answer = try await connection.sign(body, dryRun: context.isDryRun, onDecision: context.onDecision)
        guard !context.isDryRun else {
            guard answer.decision.allowed else { throw SignerConnection.denial(answer.decision) }
            throw KeyError(.dryRun, "the service would sign this; a dry run signs nothing")
        }
        guard let signature = answer.signature else {
            throw SignerClientError(.answer, "the service allowed the signature and gave none")
        }
        return try Base64.decode(signature)
    }

    /// The image's own repository, where the service is to look there.
    private var evidencePlace: String? {
        get throws {
            guard context.looksInRegistry else { return nil }
            guard let image = SigningSubject.image, let reference = try? Reference(image) else {
                throw SignerClientError(
                    .configuration, "nothing says in which registry the evidence lies",
                    hint: "sign an image in a registry, or name one with --image")
            }
            return reference.scope
        }
    }
}
