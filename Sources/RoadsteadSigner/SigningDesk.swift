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

    static let maximumRawBytes = 4 << 20

    func sign(
        _ body: SigningRequestBody, key: SigningKey, caller: Caller, dryRun: Bool
    ) async throws -> Outcome {
        let now = clock()
        var wish = try await SigningWish(body, key: key, caller: caller, limits: limits, now: now)
        if wish.findings.allSatisfy(\.holds), let place = body.evidenceFrom {
            wish.add(try await registries.find(in: place, for: wish.request, key: key))
        }
        let reservation: KeyLedger.Reservation?
        let decision: ReleaseDecision
        if wish.findings.allSatisfy(\.holds) {
            let judgement = try key.criteria.judge(wish.request)
            let reserved = key.ledger.reserve(judgement, caller: caller.name, now: now, dryRun: dryRun)
            (reservation, decision) = (reserved, reserved.decision.adding(wish.findings, ignored: wish.ignored))
        } else {
            (reservation, decision) = (nil, ReleaseDecision(findings: wish.findings, ignored: wish.ignored))
        }
        guard decision.isAllowed, !dryRun else {
            let receipt = try await record(wish, decision, dryRun: dryRun, outcome: "denied")
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
        var artifact: Digest?
        switch key.settings.usage {
        case .notation:
            do {
                artifact = try Self.artifact(message, open, key.settings, limits, now)
                findings.append(Self.form("of a Notary Project signature by this key", "as it must be", true))
            } catch {
                findings.append(Self.form("of a Notary Project signature by this key", Self.reason(error), false))
            }
        case .raw:
            let isOurs = (try? SigningInput(parsing: message)) != nil
            let isSmall = message.count <= SigningDesk.maximumRawBytes
            findings.append(
                Self.form(
                    "no Notary Project signature, at most \(SigningDesk.maximumRawBytes) bytes",
                    isOurs ? "one" : "\(message.count) bytes", isSmall && !isOurs))
        }
        let repository = try Self.repository(body.image, artifact, &findings)
        self.findings = findings
        request = ReleaseRequest(
            key: key.name, caller: caller.name, artifact: artifact, repository: repository,
            evidence: body.evidence ?? [],
            now: now)
    }

    /// Takes in what a registry had, or that it had nothing.
    mutating func add(_ found: FoundEvidence) {
        request = request.adding(found.pieces)
        findings.append(found.finding)
        ignored += found.ignored
    }

    /// The artifact that the bytes speak of, if they are exactly what this key may sign now.
    private static func artifact(
        _ message: [UInt8], _ key: SigningKey.Open, _ settings: KeySettings, _ limits: LimitSettings, _ now: UTCDate
    ) throws -> Digest {
        let input = try SigningInput(parsing: message)
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
        return try Digest(input.artifact.digest)
    }

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

    private static func form(_ wanted: String, _ found: String, _ holds: Bool) -> CriterionFinding {
        CriterionFinding("toBeSigned", wanted: wanted, found: found, holds: holds)
    }

    private static func reason(_ error: any Error) -> String {
        (error as? SignerError)?.reason ?? (error as? EnvelopeError)?.reason ?? (error as? OCIError)?.reason
            ?? "something else"
    }
}
