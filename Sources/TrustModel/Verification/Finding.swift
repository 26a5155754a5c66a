package import Codecs

/// What a check of a verification found, for people and programs. [style: outcomes are values]
package struct Finding: Sendable, Hashable {
    /// The kinds of findings in the order in which they help a reader: what decides comes first.
    package enum Code: String, Sendable, CaseIterable {
        case denied
        /// An exception lets it pass, or would.
        case excepted
        case noSignature = "no-signature"
        case noStatement = "no-statement"
        case integrity
        case plugin
        case payload
        case descriptorMismatch = "descriptor-mismatch"
        case userMetadata = "user-metadata"
        case trustStoreUnusable = "trust-store-unusable"
        case untrustedRoot = "untrusted-root"
        case anchorConstraint = "anchor-constraint"
        case identity
        case expired
        case certificateTime = "certificate-time"
        case timestampMissing = "timestamp-missing"
        case timestampInvalid = "timestamp-invalid"
        case revocationNotChecked = "revocation-not-checked"
        case unreadable
        case tooFewStores = "too-few-stores"
        case tooManySignatures = "too-many-signatures"
        case unknownDenial = "unknown-denial"
        case nothingToCheck = "nothing-to-check"
        case skipped
    }

    /// What it means for the signature.
    package enum Weight: String, Sendable, CaseIterable {
        case rejects
        /// The policy only logs this check.
        case warns
        case informs
    }

    package let code: Code
    package let weight: Weight
    /// The check that found it; nil for what lies outside the policy's checks.
    package let check: VerificationCheck?
    /// What was found: lower case start, no full stop.
    package let found: String
    /// What to do.
    package let hint: String?

    package init(
        _ code: Code, _ weight: Weight, check: VerificationCheck? = nil, _ found: String, hint: String? = nil
    ) {
        self.code = code
        self.weight = weight
        self.check = check
        self.found = found
        self.hint = hint
    }

    package var json: JSON {
        var object = JSONObject([("code", .string(code.rawValue)), ("weight", .string(weight.rawValue))])
        object["check"] = check.map { .string($0.rawValue) }
        object["found"] = .string(found)
        object["hint"] = hint.map { .string($0) }
        return .object(object)
    }

    /// Rejections first, then warnings; within one weight in the order of the codes.
    package static func ranked(_ findings: [Finding]) -> [Finding] {
        findings.enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }.map(\.element)
    }

    private var rank: Int {
        let weights = Weight.allCases.firstIndex(of: weight) ?? 0
        return weights * Code.allCases.count + (Code.allCases.firstIndex(of: code) ?? 0)
    }
}
