import Codecs
import Envelopes
import Logging
import OCI
import PKI
import ReleaseCriteria
import SigningKeys

/// Decides every request, signs what is allowed, and records it before anything is given out.
struct SigningDesk: Sendable {
    enum Outcome: Sendable {
        case answer(SigningAnswerBody)
        case denied(SigningDecisionBody)
    }

    let log: DecisionLog
    let limits: LimitSettings
    let registries: EvidenceRegistries
    let metrics: SignerMetrics
    let clock: @Sendable () -> UTCDate

    private let judges = Judges()
    /// Refused requests and dry runs, which are recorded too: nobody fills the log with them.
    private let refusals = CallerLimiter(perMinute: refusalsPerMinute, of: "signatures that were not made")

    static let maximumRawBytes = 4 << 20
    /// Refused requests and dry runs of one caller in a minute.
    static let refusalsPerMinute = 120

    func sign(
        _ body: SigningRequestBody, key: SigningKey, caller: Caller, dryRun: Bool
    ) async throws -> Outcome {
        let now = clock()
        try refusals.check(caller.name)
        var wish = try await SigningWish(body, key: key, caller: caller, limits: limits, now: now)
        if wish.findings.allSatisfy(\.holds), let place = body.evidenceFrom {
            wish.add(try await registries.find(in: place, for: wish.request, key: key))
        }
        let reservation: KeyLedger.Reservation?
        let decision: ReleaseDecision
        if wish.findings.allSatisfy(\.holds) {
            let judgement = try await judges.judge(wish.request, by: key.criteria)
            let reserved = key.ledger.reserve(judgement, caller: caller.name, now: now, dryRun: dryRun)
            (reservation, decision) = (reserved, reserved.decision.adding(wish.findings, ignored: wish.ignored))
        } else {
            (reservation, decision) = (nil, ReleaseDecision(findings: wish.findings, ignored: wish.ignored))
        }
        guard decision.isAllowed, !dryRun else {
            let receipt = try await record(wish, decision, dryRun: dryRun, outcome: "denied")
            try? refusals.take(caller.name)
            let shown = self.body(decision, dryRun: dryRun, receipt)
            guard dryRun else { return .denied(shown) }
            return .answer(SigningAnswerBody(signature: nil, certificateChain: wish.chain, decision: shown))
        }
        do {
            let start = ContinuousClock.now
            let signature = try await key.sign(wish.message, scheme: wish.scheme, limit: limits.keyDeadline)
            metrics.signed(key.name, in: .now - start)
            let receipt = try await record(wish, decision, dryRun: false, outcome: "signed", signature: signature)
            return .answer(
                SigningAnswerBody(
                    signature: signature, certificateChain: wish.chain,
                    decision: self.body(decision, dryRun: false, receipt)))
        } catch {
            if let reservation { key.ledger.release(reservation) }
            if (error as? SignerError)?.code != .log {
                _ = try await record(wish, decision, dryRun: false, outcome: "failed")
            }
            throw error
        }
    }

    private func body(
        _ decision: ReleaseDecision, dryRun: Bool, _ receipt: DecisionLog.Receipt
    ) -> SigningDecisionBody {
        SigningDecisionBody(decision, dryRun: dryRun, sequence: receipt.sequence, hash: receipt.hash)
    }

    private func record(
        _ wish: SigningWish, _ decision: ReleaseDecision, dryRun: Bool, outcome: String, signature: [UInt8]? = nil
    ) async throws -> DecisionLog.Receipt {
        let outcome = dryRun && decision.isAllowed ? "allowed" : outcome
        var content = JSONObject([
            ("time", .string(wish.request.now.description)), ("event", "decision"), ("key", .string(wish.request.key)),
            ("caller", .string(wish.caller.name)),
            ("outcome", .string(outcome)), ("dryRun", .bool(dryRun)),
            ("toBeSignedSHA256", .string(Hex.encode(HashAlgorithm.sha256.digest(of: wish.message)))),
        ])
        if let issuer = wish.caller.issuer, let subject = wish.caller.subject {
            (content["issuer"], content["subject"]) = (.string(issuer), .string(subject))
        }
        if let artifact = wish.request.artifact { content["artifact"] = .string(artifact.description) }
        if let said = wish.said { content["says"] = .object(said) }
        if let repository = wish.request.repository { content["repository"] = .string(repository) }
        if let signature {
            content["signatureSHA256"] = .string(Hex.encode(HashAlgorithm.sha256.digest(of: signature)))
            content["approvals"] = .array(decision.approvals.map(JSON.string))
        }
        content["findings"] = try JSON(encoding: decision.findings)
        content["statements"] = .array(decision.statements.map(JSON.string))
        content["ignored"] = .array(decision.ignored.map(JSON.string))
        let receipt = try await log.record(content)
        metrics.decided(wish.request.key, outcome, decision.findings)
        return receipt
    }
}

extension ReleaseDecision {
    fileprivate func adding(_ findings: [CriterionFinding], ignored: [String]) -> ReleaseDecision {
        ReleaseDecision(
            findings: findings + self.findings, statements: statements, ignored: ignored + self.ignored,
            approvals: approvals)
    }
}

/// A request taken apart: what is to be signed, about which artifact, and what speaks against it at once.
struct SigningWish: Sendable {
    private(set) var request: ReleaseRequest
    let caller: Caller
    let message: [UInt8]
    let scheme: SignatureScheme
    let chain: [[UInt8]]
    private(set) var findings: [CriterionFinding]
    /// What was found in a registry and not even read.
    private(set) var ignored: [String] = []
    /// What a Notary signature would say, for the record.
    let said: JSONObject?

    init(
        _ body: SigningRequestBody, key: SigningKey, caller: Caller, limits: LimitSettings, now: UTCDate
    ) async throws {
        guard let open = await key.current else {
            throw SignerError(
                .keyAway, "the key \"\(key.name)\" is not available", hint: "see /readyz; try again later")
        }
        do throws(CodecError) { message = try Base64.decode(body.toBeSigned) } catch {
            throw SignerError(.request, "toBeSigned: \(error.reason)")
        }
        scheme = try await key.scheme(body.scheme)
        chain = open.chain.map(\.der)
        self.caller = caller
        let isOwn = key.settings.callers.contains(caller.name)
        var findings = [
            CriterionFinding(
                "caller", wanted: "a caller of this key", found: caller.description, holds: isOwn)
        ]
        var (artifact, input): (Digest?, SigningInput?) = (nil, nil)
        switch key.settings.usage {
        case .notation:
            do {
                let read = try Self.input(message, open, key.settings, limits, now)
                (artifact, input) = (try Digest(read.artifact.digest), read)
                findings.append(Self.form("of a Notary Project signature by this key", "as it must be", true))
            } catch {
                findings.append(Self.form("of a Notary Project signature by this key", Self.reason(error), false))
            }
        case .raw:
            findings.append(Self.form(message, key.settings.formats))
        }
        let repository = try Self.repository(body.image, artifact, &findings)
        self.findings = findings
        said = input.map(Self.said)
        let content = SignedContent(
            metadata: input?.artifact.annotations ?? [:], expiry: input?.attributes.expiry)
        request = ReleaseRequest(
            key: key.name, caller: caller.name, artifact: artifact, repository: repository,
            evidence: body.evidence ?? [],
            now: now, content: content)
    }

    /// Takes in what a registry had, or that it had nothing.
    mutating func add(_ found: FoundEvidence) {
        request = request.adding(found.pieces)
        findings.append(found.finding)
        ignored += found.ignored
    }

    private static func said(_ input: SigningInput) -> JSONObject {
        let artifact = input.artifact
        var said = JSONObject([
            ("format", .string("\(input.format)")), ("mediaType", .string(artifact.mediaType)),
            ("size", .integer(artifact.size)),
        ])
        if let expiry = input.attributes.expiry { said["expiry"] = .string(expiry.description) }
        let metadata = artifact.annotations.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) }
        if !metadata.isEmpty { said["metadata"] = .object(JSONObject(metadata)) }
        return said
    }

    /// What the bytes say, if they are exactly what this key may sign now.
    private static func input(
        _ message: [UInt8], _ key: SigningKey.Open, _ settings: KeySettings, _ limits: LimitSettings, _ now: UTCDate
    ) throws -> SigningInput {
        let input = try SigningInput(parsing: message)
        guard message.count <= Self.maximumNotaryBytes else {
            throw SignerError(
                .toBeSigned, "it says \(message.count) bytes, at most \(Self.maximumNotaryBytes) are signed")
        }
        guard input.algorithm.keyType == key.publicKey.type else {
            throw SignerError(.toBeSigned, "its algorithm is \(input.algorithm.rawValue), not this key's")
        }
        guard input.attributes.scheme.rawValue == settings.scheme else {
            throw SignerError(.toBeSigned, "its scheme is \(input.attributes.scheme.rawValue)")
        }
        guard let time = input.attributes.signingTime ?? input.attributes.authenticSigningTime,
            abs(time.seconds - now.seconds) <= limits.clockSeconds
        else { throw SignerError(.toBeSigned, "its time of signing is not now") }
        if let expiry = input.attributes.expiry, expiry <= now {
            throw SignerError(.toBeSigned, "it expired at \(expiry)")
        }
        if let outside = key.chain.first(where: { !$0.isValid(at: now) }) {
            throw SignerError(
                .toBeSigned, "the key's certificate is not valid now: \(outside.subject.shortDescription)")
        }
        return input
    }

    /// Header, digest and metadata: all of it is recorded.
    static let maximumNotaryBytes = 64 << 10

    /// Where the caller says that the artifact lies; a digest that it names must be the artifact's.
    private static func repository(
        _ image: String?, _ artifact: Digest?, _ findings: inout [CriterionFinding]
    ) throws -> String? {
        guard let image else { return nil }
        let reference: Reference
        do throws(OCIError) { reference = try Reference(image) } catch {
            throw SignerError(.request, error.reason, hint: error.hint)
        }
        if let digest = reference.digest {
            findings.append(
                CriterionFinding(
                    "image", wanted: "the artifact that is signed", found: "\(digest)", holds: digest == artifact))
        }
        return reference.scope
    }

    private static func form(_ message: [UInt8], _ formats: Set<RawFormat>) -> CriterionFinding {
        let limit = SigningDesk.maximumRawBytes
        let fits = message.count <= limit && (KeyChallenge.isOne(message) || formats.contains { $0.fits(message) })
        return form(
            "\(formats.map(\.description).sorted().joined(separator: " or ")), of at most \(limit) bytes",
            fits ? "as wanted" : "\(message.count) bytes of another form", fits)
    }

    private static func form(_ wanted: String, _ found: String, _ holds: Bool) -> CriterionFinding {
        CriterionFinding("toBeSigned", wanted: wanted, found: found, holds: holds)
    }

    private static func reason(_ error: any Error) -> String {
        (error as? SignerError)?.reason ?? (error as? EnvelopeError)?.reason ?? (error as? OCIError)?.reason
            ?? "something else"
    }
}
