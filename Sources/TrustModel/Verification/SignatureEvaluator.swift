package import Codecs
import Envelopes
package import OCI
import PKI
import SigningKeys

/// Holds one signature against a policy. [Notary trust-store-trust-policy, "Signature Evaluation"]
///
/// The checks run in order: integrity, authenticity (trust store, identity), expiry, authentic timestamp, revocation.
/// After a failed check that the policy only logs, the next one still runs.
package struct SignatureEvaluator: Sendable {
    package let policy: VerificationPolicy
    package let denials: Denials
    package let now: UTCDate

    package init(policy: VerificationPolicy, denials: Denials = .none, now: UTCDate) {
        self.policy = policy
        self.denials = denials
        self.now = now
    }

    /// Evaluates an envelope that should sign an artifact and carry some user metadata.
    package func evaluate(
        _ envelope: [UInt8], mediaType: String, artifact: Descriptor, metadata: [String: String] = [:]
    ) -> SignatureVerdict {
        var verdict = SignatureVerdict()
        let verified: VerifiedEnvelope
        do throws(EnvelopeError) {
            guard let format = EnvelopeFormat(mediaType: mediaType) else {
                throw EnvelopeError(.malformed, "\"\(mediaType.prefix(80))\" is not the media type of an envelope")
            }
            verified = try UnverifiedEnvelope(parsing: envelope, format: format).verified()
        } catch {
            verdict.findings = [Self.finding(for: error)]
            return verdict
        }
        verdict.describe(verified)
        verdict.findings += denials.findings(against: verified.chain.certificates, team: policy.team)
        verdict.findings += payloadFindings(verified.artifact, artifact, metadata)
        let timestamp = TimestampCheck(policy: policy, denials: denials, now: now).outcome(of: verified)
        verdict.describe(timestamp.verified)
        checkAuthenticity(verified, timestamp.verified, &verdict)
        checkExpiry(verified, &verdict)
        checkAuthenticTimestamp(verified, timestamp, &verdict)
        checkRevocation(verified.chain.certificates, &verdict)
        if let timestamp = timestamp.verified { checkRevocation(of: timestamp, &verdict) }
        verdict.findings = Finding.ranked(verdict.findings)
        return verdict
    }

    // MARK: Integrity

    private static func finding(for error: EnvelopeError) -> Finding {
        let code: Finding.Code =
            switch error.code {
            case .payload: .payload
            case .plugin: .plugin
            default: .integrity
            }
        return Finding(code, .rejects, check: .integrity, error.reason, hint: error.hint)
    }

    private func payloadFindings(
        _ signed: TargetArtifact, _ artifact: Descriptor, _ metadata: [String: String]
    ) -> [Finding] {
        var findings: [Finding] = []
        if signed.mediaType != artifact.mediaType || signed.digest != artifact.digest.description
            || signed.size != artifact.size
        {
            findings.append(
                Finding(
                    .descriptorMismatch, .rejects, check: .integrity,
                    "the signature is for \(signed.digest.prefix(160)) (\(signed.mediaType.prefix(80)), \(signed.size) bytes), "
                        + "not for \(artifact.digest) (\(artifact.mediaType), \(artifact.size) bytes)"))
        }
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) where signed.annotations[name] != value {
            let found = signed.annotations[name].map { "says \"\($0.prefix(80))\"" } ?? "does not say"
            findings.append(
                Finding(
                    .userMetadata, .rejects, check: .integrity,
                    "the signature \(found) for the required metadata \(name)=\(value)"))
        }
        return findings
    }

    // MARK: Authenticity

    private func checkAuthenticity(
        _ envelope: VerifiedEnvelope, _ timestamp: VerifiedTimestamp?, _ verdict: inout SignatureVerdict
    ) {
        guard let weight = weight(of: .authenticity) else { return }
        let (found, finding) = anchor(of: envelope, weight)
        verdict.store = found?.store
        verdict.anchor = found?.anchor.certificate.sha256
        if let finding { verdict.findings.append(finding) }
        if let found { verdict.findings += constraintFindings(found.anchor, envelope, timestamp, weight) }
        let subject = envelope.leaf.subjectAttributes
        guard !policy.identities.contains(where: { $0.matches(subject: subject) }) else { return }
        verdict.findings.append(
            Finding(
                .identity, weight, check: .authenticity,
                "the signer \"\(envelope.leaf.subjectText)\" is none of the trusted identities of statement \"\(policy.name)\""
            ))
    }

    private typealias FoundAnchor = (store: NamedStore, anchor: TrustStore.Anchor)

    /// The first store, in the statement's order, with a certificate of the chain; unusable stores fail all.
    private func anchor(of envelope: VerifiedEnvelope, _ weight: Finding.Weight) -> (FoundAnchor?, Finding?) {
        let kind: TrustStoreKind = envelope.attributes.scheme == .x509 ? .ca : .signingAuthority
        let stores = policy.stores.filter { $0.store.kind == kind }
        if let store = stores.first(where: { $0.problem != nil }) {
            let problem = store.problem ?? ""
            return (
                nil,
                Finding(
                    .trustStoreUnusable, weight, check: .authenticity,
                    "trust store \(store.store) cannot be used: \(problem)",
                    hint: "every store that the statement \"\(policy.name)\" names must be in order")
            )
        }
        for store in stores {
            for certificate in envelope.chain.certificates {
                if let anchor = store.anchors.first(where: { $0.certificate.der == certificate.der }) {
                    return ((store.store, anchor), nil)
                }
            }
        }
        let root = envelope.chain.root
        let names = stores.map(\.store.description).joined(separator: ", ")
        return (
            nil,
            Finding(
                .untrustedRoot, weight, check: .authenticity,
                "signed by \"\(envelope.leaf.subjectText)\" under \"\(root.subjectText)\" "
                    + "(SHA-256 \(root.sha256)), "
                    + (names.isEmpty
                        ? "and the statement \"\(policy.name)\" names no \(kind.rawValue) store"
                        : "which is not in \(names)"),
                hint: "if this root should count, have it added to a store of the statement \"\(policy.name)\"")
        )
    }

    /// Limits of the anchor. Distrust-after is compared only with a time that somebody other than the signer vouches for.
    private func constraintFindings(
        _ anchor: TrustStore.Anchor, _ envelope: VerifiedEnvelope, _ timestamp: VerifiedTimestamp?,
        _ weight: Finding.Weight
    ) -> [Finding] {
        let signed = envelope.attributes.authenticSigningTime ?? timestamp?.latest
        return anchor.problems(with: envelope.chain.certificates, signed: signed, now: now).map {
            Finding(
                .anchorConstraint, weight, check: .authenticity, "anchor \"\(anchor.certificate.subjectText)\" \($0)")
        }
    }

    // MARK: Time

    private func checkExpiry(_ envelope: VerifiedEnvelope, _ verdict: inout SignatureVerdict) {
        guard let weight = weight(of: .expiry), let expiry = envelope.attributes.expiry, now >= expiry else { return }
        verdict.findings.append(
            Finding(
                .expired, weight, check: .expiry, "the signature expired at \(expiry)", hint: "sign the artifact again")
        )
    }

    /// The chain must have been valid at a time that can be believed: the authority's, a timestamp's, or now.
    private func checkAuthenticTimestamp(
        _ envelope: VerifiedEnvelope, _ timestamp: TimestampCheck.Outcome, _ verdict: inout SignatureVerdict
    ) {
        guard let weight = weight(of: .authenticTimestamp) else { return }
        let chain = envelope.chain.certificates
        guard envelope.attributes.scheme == .x509, timestampIsRequired(chain) else {
            let time = envelope.attributes.authenticSigningTime ?? now
            guard let outside = chain.first(where: { !$0.isValid(at: time) }) else { return }
            verdict.findings.append(
                Finding(
                    .certificateTime, weight, check: .authenticTimestamp, Self.describe(outside, at: time),
                    hint: "a timestamp made while it was valid, and a tsa store in the policy, would carry it further"))
            return
        }
        if let finding = timestamp.finding(weight) {
            verdict.findings.append(finding)
        } else if let problem = timestamp.verified?.problem(over: envelope.signature, chain: chain) {
            verdict.findings.append(Finding(.certificateTime, weight, check: .authenticTimestamp, problem.reason))
        }
    }

    private func timestampIsRequired(_ chain: [Certificate]) -> Bool {
        guard policy.stores.contains(where: { $0.store.kind == .tsa }) else { return false }
        return policy.timestampRequirement == .always || chain.contains { now > $0.notAfter }
    }

    private static func describe(_ certificate: Certificate, at time: UTCDate) -> String {
        time < certificate.notBefore
            ? "the certificate \"\(certificate.subjectText)\" is not valid before \(certificate.notBefore)"
            : "the certificate \"\(certificate.subjectText)\" expired at \(certificate.notAfter)"
    }

    // MARK: Revocation

    /// A chain that names no revocation address has nothing to check, as in Notation. One that names any has not been
    /// checked, and says so.
    private func checkRevocation(_ chain: [Certificate], _ verdict: inout SignatureVerdict) {
        guard let weight = weight(of: .revocation) else { return }
        guard let certificate = chain.dropLast().first(where: \.namesRevocationAddress) else {
            verdict.findings.append(
                Finding(
                    .nothingToCheck, .informs, check: .revocation,
                    "no certificate of the chain names a revocation address"))
            return
        }
        verdict.findings.append(Self.notChecked(certificate, weight))
    }

    /// The same for the authority of a timestamp, whose certificates can be revoked like any. [CVE-2024-56138]
    private func checkRevocation(of timestamp: VerifiedTimestamp, _ verdict: inout SignatureVerdict) {
        guard let weight = weight(of: .revocation),
            let certificate = timestamp.chain.certificates.dropLast().first(where: \.namesRevocationAddress)
        else { return }
        verdict.findings.append(Self.notChecked(certificate, weight))
    }

    private static func notChecked(_ certificate: Certificate, _ weight: Finding.Weight) -> Finding {
        Finding(
            .revocationNotChecked, weight, check: .revocation,
            "the certificate \"\(certificate.subjectText)\" names a CRL or OCSP address, and revocation was not checked: "
                + "this version does not fetch or read revocation data",
            hint: "until then a statement can override revocation to log; denials hold in any case")
    }

    /// What a failure of a check means; nil when it is not made.
    private func weight(of check: VerificationCheck) -> Finding.Weight? {
        switch policy.action(for: check) {
        case .enforce: .rejects
        case .log: .warns
        case .skip: nil
        }
    }
}
