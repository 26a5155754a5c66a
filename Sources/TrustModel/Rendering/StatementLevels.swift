extension VerificationLevel {
    /// Order from the weakest; a higher one is stricter in every check.
    package var rank: Int {
        switch self {
        case .skip: 0
        case .audit: 1
        case .permissive: 2
        case .strict: 3
        }
    }
}

extension CheckAction {
    fileprivate var rank: Int { self == .skip ? 0 : self == .log ? 1 : 2 }
}

extension HostTrust.Statement {
    /// The same with no check weaker than at a level; nil where none is.
    ///
    /// A level or override of unknown words is left alone: nothing that evaluates the statement accepts by it.
    func raised(to floor: VerificationLevel) -> HostTrust.Statement? {
        guard let strength else { return nil }
        let weak = VerificationCheck.allCases.contains { strength.action(for: $0).rank < floor.action(for: $0).rank }
        guard weak else { return nil }
        let kept = strength.overrides.filter { $0.value.rank >= floor.action(for: $0.key).rank }
        return with(level: strength.level.rank < floor.rank ? floor : strength.level, overrides: kept)
    }

    /// The same with no check stricter than at a level; nil where none is.
    func lowered(to ceiling: VerificationLevel) -> HostTrust.Statement? {
        guard let strength else { return nil }
        let strict = VerificationCheck.allCases.contains {
            strength.action(for: $0).rank > ceiling.action(for: $0).rank
        }
        guard strict else { return nil }
        let kept = strength.overrides.filter { $0.value.rank <= ceiling.action(for: $0.key).rank }
        return with(level: strength.level.rank > ceiling.rank ? ceiling : strength.level, overrides: kept)
    }

    /// Whether a chain that leads to no anchor of the statement's is rejected by it, or nothing of chains is asked at all.
    var holdsToAnchors: Bool {
        guard let strength else { return false }
        return strength.level == .skip || strength.action(for: .authenticity) == .enforce
    }

    private struct Strength {
        let level: VerificationLevel
        let overrides: [VerificationCheck: CheckAction]
        func action(for check: VerificationCheck) -> CheckAction { overrides[check] ?? level.action(for: check) }
    }

    private var strength: Strength? {
        guard let level = VerificationLevel(rawValue: level) else { return nil }
        var overrides: [VerificationCheck: CheckAction] = [:]
        for (name, value) in override ?? [:] {
            guard let check = VerificationCheck(rawValue: name), let action = CheckAction(rawValue: value) else {
                return nil
            }
            overrides[check] = action
        }
        return Strength(level: level, overrides: overrides)
    }

    private func with(level: VerificationLevel, overrides: [VerificationCheck: CheckAction]) -> HostTrust.Statement {
        let texts = Dictionary(uniqueKeysWithValues: overrides.map { ($0.key.rawValue, $0.value.rawValue) })
        return HostTrust.Statement(
            name: name, team: team, scopes: scopes, level: level.rawValue, override: texts.isEmpty ? nil : texts,
            stores: stores, trustedIdentities: trustedIdentities)
    }
}
