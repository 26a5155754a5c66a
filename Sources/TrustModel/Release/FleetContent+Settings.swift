extension FleetContent {
    /// What the fleet's own role says when every team is told of as it was agreed.
    package var settings: FleetSettings {
        settings(custody: Dictionary(teams.map { ($0.name, $0.custody) }) { first, _ in first })
    }

    /// What the fleet's own role says of the teams that have a custody here; others are left out.
    package func settings(custody: [TeamName: Custody]) -> FleetSettings {
        FleetSettings(
            fleet: fleet, fleetID: id,
            teams: teams.compactMap { team in
                custody[team.name].map {
                    FleetSettings.Team(
                        name: team.name, scopes: team.scopes, custody: $0,
                        allowedAnchors: team.allowedAnchors)
                }
            },
            enforcers: enforcers, freshness: profile.freshness(rejectingAfter: options.rejectAfterSeconds),
            inexpressible: options.inexpressible, localScopes: options.localScopes, policy: policy,
            exceptions: exceptions)
    }
}

extension FleetProfile {
    /// How a host of such a fleet behaves when it cannot refresh.
    package var freshness: FleetSettings.Freshness {
        let day: Int64 = 86_400
        switch self {
        case .standard: return .standard
        case .high:
            return FleetSettings.Freshness(
                warnAfterSeconds: day, alarmAfterSeconds: 3 * day, rejectAfterSeconds: 3 * day)
        case .airgap:
            return FleetSettings.Freshness(
                warnAfterSeconds: 30 * day, alarmAfterSeconds: 45 * day, rejectAfterSeconds: nil)
        }
    }

    /// The same where the fleet says itself when scopes reject.
    func freshness(rejectingAfter seconds: Int64?) -> FleetSettings.Freshness {
        guard let seconds else { return freshness }
        return FleetSettings.Freshness(
            warnAfterSeconds: freshness.warnAfterSeconds, alarmAfterSeconds: freshness.alarmAfterSeconds,
            rejectAfterSeconds: seconds)
    }
}
