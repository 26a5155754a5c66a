/// How strictly a signature is held to the checks. [Notary trust-store-trust-policy, "Signature Verification details"]
package enum VerificationLevel: String, Sendable, Codable, CaseIterable {
    case strict
    case permissive
    case audit
    case skip

    /// What a failed check means at this level when the statement overrides nothing.
    package func action(for check: VerificationCheck) -> CheckAction {
        switch (self, check) {
        case (.skip, _): .skip
        case (_, .integrity), (.strict, _), (.permissive, .authenticity): .enforce
        case (.permissive, _), (.audit, _): .log
        }
    }
}

/// The checks of a verification, in the order in which they are made.
package enum VerificationCheck: String, Sendable, CaseIterable {
    case integrity
    case authenticity
    case expiry
    case authenticTimestamp
    case revocation
}

/// What a failed check means.
package enum CheckAction: String, Sendable, CaseIterable {
    /// The signature is rejected.
    case enforce
    /// The signature may pass; the failure is reported.
    case log
    /// The check is not made.
    case skip
}

/// When a timestamp must vouch for the time of signing, where the statement names a `tsa` store.
package enum TimestampRequirement: String, Sendable, CaseIterable {
    case always
    /// Only once a certificate of the chain has expired.
    case afterCertificateExpiry = "afterCertExpiry"
}
