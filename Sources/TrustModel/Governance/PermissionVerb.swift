/// What somebody asks to do to: `team:acme`, `fleet:prod`, `everything` or `audit`.
package enum PermissionObject: Sendable, Hashable, CustomStringConvertible {
    /// Teams, rules, people and roles, and what reaches all teams.
    case everything
    case team(TeamName)
    case fleet(FleetName)
    case audit

    package init(_ text: String) throws(TrustModelError) {
        self =
            if text == "audit" {
                .audit
            } else {
                switch try RoleReach(text) {
                case .everything: .everything
                case .team(let name): .team(name)
                case .fleet(let name): .fleet(name)
                }
            }
    }

    package var description: String {
        switch self {
        case .everything: "everything"
        case .team(let team): "team:\(team)"
        case .fleet(let fleet): "fleet:\(fleet)"
        case .audit: "audit"
        }
    }
}

/// The words of `can-i`, and which permission each means for which object.
package enum PermissionVerb: String, Sendable, CaseIterable, Comparable {
    case administer, approve, createFleet = "create-fleet", createStore = "create-store", deny, export
    case endException = "end-exception", approveCustody = "approve-custody", approveLifting = "approve-lifting",
        holdKey = "hold-key", operate
    case propose, proposeLifting = "propose-lifting", proposeRemoval = "propose-removal", read, remove
    case setCustody = "set-custody", approveBreakGlass = "approve-break-glass"
    case approveVendor = "approve-vendor", removeVendor = "remove-vendor", reviewBreakGlass = "review-break-glass"

    /// Words that people say for one of them.
    package static let otherWords: [String: PermissionVerb] = [
        "add-anchor": .propose, "set-policy": .propose, "remove-anchor": .remove, "set-mode": .propose,
        "set-settings": .propose, "add-team": .administer, "add-scope": .administer, "set-rule": .administer,
        "grant-role": .administer, "revoke-role": .administer, "lift-denial": .proposeLifting, "promote": .operate,
        "sign": .holdKey, "see": .read,
    ]

    /// - Throws: `TrustModelError(.name)` naming the words that there are.
    package init(word: String) throws(TrustModelError) {
        guard let verb = PermissionVerb(rawValue: word) ?? Self.otherWords[word] else {
            let words = (Self.allCases.map(\.rawValue) + Self.otherWords.keys).sorted().joined(separator: ", ")
            throw TrustModelError(.name, "\"\(word.prefix(40))\" is nothing to do here", hint: "one of \(words)")
        }
        self = verb
    }

    /// nil where the word means nothing for the object.
    package func permission(on object: PermissionObject) -> Permission? {
        switch object {
        case .everything: onEverything
        case .team(let team): permission(in: team)
        case .fleet(let fleet): permission(in: fleet)
        case .audit: [.read: .readAudit(.everything), .export: .exportAudit(.everything)][self]
        }
    }

    private var onEverything: Permission? {
        let table: [PermissionVerb: Permission] = [
            .read: .readGovernance, .administer: .administer, .propose: .administer, .approve: .approveAdministration,
            .deny: .denyEverywhere, .proposeLifting: .proposeLiftingDenial(nil),
            .approveLifting: .approveLiftingDenial(nil), .createFleet: .createFleet, .removeVendor: .removeVendor,
        ]
        return table[self]
    }

    private func permission(in team: TeamName) -> Permission? {
        let table: [PermissionVerb: Permission] = [
            .read: .readTeam(team), .createStore: .createStore(team), .propose: .propose(team),
            .approve: .approveAdditions(team), .proposeRemoval: .proposeRemoval(team), .remove: .remove(team),
            .deny: .remove(team), .proposeLifting: .proposeLiftingDenial(team),
            .approveLifting: .approveLiftingDenial(team), .setCustody: .proposeCustody(team),
            .approveCustody: .approveCustody(team), .holdKey: .holdKey(team),
            .approveBreakGlass: .approveBreakGlass(team), .reviewBreakGlass: .reviewBreakGlass(team),
            .approveVendor: .approveVendor(team),
        ]
        return table[self]
    }

    private func permission(in fleet: FleetName) -> Permission? {
        let table: [PermissionVerb: Permission] = [
            .read: .readFleet(fleet), .propose: .proposeFleet(fleet), .approve: .approveFleet(fleet),
            .operate: .operateFleet(fleet), .endException: .endException(fleet),
        ]
        return table[self]
    }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
}
