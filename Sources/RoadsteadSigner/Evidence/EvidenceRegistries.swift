import Codecs
import OCI
import RegistryClient
import ReleaseCriteria
import ServiceLifecycle
import Synchronization

/// What a registry had for one request, or why it had nothing.
struct FoundEvidence: Sendable {
    let finding: CriterionFinding
    var pieces: [EvidencePiece] = []
    /// In words: what lies there and was not read, and why.
    var ignored: [String] = []
}

/// Looks for evidence in registries: in those that the operator names and where the key signs, whatever a caller asks.
///
/// What a registry says is believed in nothing: statements found there count by their signatures and by the digest that
/// they speak of, as those that are handed over. A registry that does not answer is a criterion that does not hold.
struct EvidenceRegistries: Service {
    private let settings: [EvidenceRegistrySettings]
    private let sessions: [String: RegistrySession]
    private let limits: LimitSettings
    private let metrics: SignerMetrics
    private let running = Running()

    /// Of all envelopes for one request together.
    static let totalBytes = 8 << 20

    private final class Running: Sendable {
        let count = Mutex(0)
    }

    init(_ settings: [EvidenceRegistrySettings], limits: LimitSettings, metrics: SignerMetrics) throws {
        self.settings = settings
        self.metrics = metrics
        self.limits = limits
        var sessions: [String: RegistrySession] = [:]
        for place in settings { sessions[place.registry] = try RegistrySession.open(place.access) }
        self.sessions = sessions
    }

    /// Keeps the connections until the program ends.
    func run() async throws {
        try? await gracefulShutdown()
        await close()
    }

    func close() async {
        for session in sessions.values { await session.close() }
    }

    /// Looks in a repository for statements about the artifact that is to be signed.
    ///
    /// - Throws: `.request` for what is no repository, or a key that takes no evidence; `.overload`.
    func find(in place: String, for request: ReleaseRequest, key: SigningKey) async throws -> FoundEvidence {
        let reference: Reference
        do throws(OCIError) { reference = try Reference(place) } catch {
            throw SignerError(.request, error.reason, hint: error.hint)
        }
        guard reference.tag == nil, reference.digest == nil, let artifact = request.artifact,
            key.criteria.needsArtifact
        else {
            throw SignerError(
                .request, "evidenceFrom names more than a repository, or the key \"\(key.name)\" takes no evidence",
                hint: "\"evidenceFrom\": \"registry.example.com/team/app\"")
        }
        let allowed = settings.first { $0.registry == reference.registry && $0.covers(reference.scope) }
        guard let allowed, let session = sessions[allowed.registry],
            key.criteria.covers(repository: reference.scope)
        else { return FoundEvidence(finding: refusal(reference, key)) }
        try begin()
        defer { running.count.withLock { $0 -= 1 } }
        let wanted = "what \(reference.scope) has"
        do {
            let room = Evidence.maximumPieces - request.evidence.count
            let stored = try await lookUp(artifact, reference, in: session, room)
            metrics.lookedUp(reference.registry, isAnswered: true)
            return Self.found(stored, reference, wanted)
        } catch let error as CancellationError {
            throw error
        } catch {
            metrics.lookedUp(reference.registry, isAnswered: false)
            let reason = (error as? RegistryError)?.reason ?? "the registry gave no answer that could be read"
            return FoundEvidence(
                finding: CriterionFinding("evidence", wanted: wanted, found: reason, holds: false))
        }
    }

    private func refusal(_ reference: Reference, _ key: SigningKey) -> CriterionFinding {
        let places = settings.flatMap(\.shown)
        let wanted =
            places.isEmpty
            ? "handed over, since this service looks in no registry"
            : "in \(places.joined(separator: " or ")), within the key's scopes"
        return CriterionFinding("evidence", wanted: wanted, found: reference.scope, holds: false)
    }

    private func begin() throws(SignerError) {
        let (isFree, most) = running.count.withLock { count in
            guard count < limits.evidenceLookups else { return (false, count) }
            count += 1
            return (true, count)
        }
        guard isFree else {
            throw SignerError(.overload, "\(most) requests wait for registries already", hint: "try again")
        }
    }

    /// Everything that is asked of a registry for one request, within the deadline.
    private func lookUp(
        _ artifact: Digest, _ place: Reference, in session: RegistrySession, _ room: Int
    ) async throws -> StoredAttestations {
        let bounds = AttestationLimits(
            envelopes: max(0, room), envelopeBytes: DSSEEnvelope.maximumBytes, totalBytes: Self.totalBytes)
        let deadline = limits.evidenceDeadline
        return try await withThrowingTaskGroup(of: StoredAttestations.self) { group in
            group.addTask {
                try await session.registry(place.registry)
                    .attestations(of: artifact, in: place.repository, limits: bounds)
            }
            group.addTask {
                try await Task.sleep(for: deadline)
                throw RegistryError(.unreachable, "\(place.registry) did not answer within \(deadline)")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? StoredAttestations()
        }
    }

    private static func found(
        _ stored: StoredAttestations, _ place: Reference, _ wanted: String
    ) -> FoundEvidence {
        var (pieces, ignored): ([EvidencePiece], [String]) = ([], stored.passed.map { "\(place.scope) \($0)" })
        let limits = JSONLimits(bytes: DSSEEnvelope.maximumBytes, depth: 40)
        for piece in stored.found {
            let origin = "\(place.scope)@\(piece.manifest)"
            do throws(CodecError) {
                pieces.append(EvidencePiece(origin: origin, content: try JSON(parsing: piece.bytes, limits: limits)))
            } catch {
                ignored.append("\(origin): \(error.reason)")
            }
        }
        let count = pieces.count == 1 ? "1 envelope" : "\(pieces.count) envelopes"
        return FoundEvidence(
            finding: CriterionFinding("evidence", wanted: wanted, found: count, holds: true), pieces: pieces,
            ignored: ignored)
    }
}
