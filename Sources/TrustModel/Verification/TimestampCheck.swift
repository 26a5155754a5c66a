import Codecs
import Envelopes
import PKI
import SigningKeys

/// What a policy's time-stamping authorities say about when a signature was made.
/// [Notary trust-store-trust-policy, "Authentic Timestamp"]
struct TimestampCheck {
    enum Outcome {
        /// The policy names no `tsa` store, or the signature's scheme has a time of its own.
        case notAsked
        case missing
        /// There is one, and it does not count.
        case invalid(Finding.Code, String, hint: String?)
        case verified(VerifiedTimestamp)
    }

    let policy: VerificationPolicy
    let denials: Denials
    let now: UTCDate

    func outcome(of envelope: VerifiedEnvelope) -> Outcome {
        let stores = policy.stores.filter { $0.store.kind == .tsa }
        guard envelope.attributes.scheme == .x509, !stores.isEmpty else { return .notAsked }
        guard let token = envelope.timestampSignature else { return .missing }
        if let store = stores.first(where: { $0.problem != nil }) {
            return .invalid(
                .trustStoreUnusable, "trust store \(store.store) cannot be used: \(store.problem ?? "")",
                hint: "every store that the statement \"\(policy.name)\" names must be in order")
        }
        return verified(token, envelope, stores.flatMap(\.anchors))
    }

    private func verified(
        _ token: [UInt8], _ envelope: VerifiedEnvelope, _ anchors: [TrustStore.Anchor]
    ) -> Outcome {
        let timestamp: VerifiedTimestamp
        do throws(PKIError) {
            timestamp = try UnverifiedTimestamp(der: token)
                .verified(over: envelope.signature, roots: anchors.map(\.certificate))
        } catch {
            return .invalid(.timestampInvalid, "the signature's timestamp does not count: \(error.reason)", hint: nil)
        }
        if let denied = denials.findings(against: timestamp.chain.certificates, team: policy.team).first {
            return .invalid(
                .timestampInvalid, "the signature's timestamp does not count: \(denied.found)", hint: denied.hint)
        }
        let problems =
            anchors.first { $0.certificate == timestamp.chain.root }
            .map { $0.problems(with: timestamp.chain.certificates, signed: timestamp.latest, now: now) } ?? []
        if let problem = problems.first {
            return .invalid(
                .anchorConstraint,
                "the signature's timestamp does not count: anchor \"\(timestamp.chain.root.subjectText)\" \(problem)",
                hint: nil)
        }
        return .verified(timestamp)
    }
}

extension TimestampCheck.Outcome {
    var verified: VerifiedTimestamp? { if case .verified(let timestamp) = self { timestamp } else { nil } }

    /// What speaks against a signature that must carry one.
    func finding(_ weight: Finding.Weight) -> Finding? {
        switch self {
        case .notAsked, .verified: nil
        case .missing:
            Finding(
                .timestampMissing, weight, check: .authenticTimestamp,
                "the policy requires a timestamp and the signature carries none",
                hint: "sign with --timestamp-url, or say verifyTimestamp: afterCertExpiry in the policy")
        case .invalid(let code, let found, let hint):
            Finding(code, weight, check: .authenticTimestamp, found, hint: hint)
        }
    }
}

extension TrustStore.Anchor {
    /// How what limits the anchor speaks against a chain that leads to it; `signed` is a time of signing that somebody
    /// other than the signer vouches for.
    func problems(with chain: [Certificate], signed: UTCDate?, now: UTCDate) -> [String] {
        guard let constraint else { return [] }
        var problems: [String] = []
        if let until = constraint.until, now >= until { problems.append("was trusted until \(until) only") }
        if let limit = constraint.distrustAfter {
            switch signed {
            case nil: problems.append("is not believed after \(limit), and no verified time says when this was signed")
            case let time? where time > limit:
                problems.append("is not believed after \(limit), and this was signed at \(time)")
            default: break
            }
        }
        if let subordinates = constraint.subordinates {
            let below = chain.prefix { $0.der != certificate.der }
            if !below.contains(where: { $0.publicKey.map { subordinates.contains(Hex.encode($0.fingerprint)) } == true }
            ) {
                problems.append("is believed for named subordinate keys only, none of which signed this")
            }
        }
        return problems
    }
}
