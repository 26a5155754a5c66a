import Testing

@testable import TrustModel

@Suite struct PermissionVerbTests {
    private static func objects() throws -> [PermissionObject] {
        [.everything, .team(try TeamName("acme")), .fleet(try FleetName("prod")), .audit]
    }

    @Test func `every word means something, and every other word is one of them`() throws {
        let objects = try Self.objects()
        for verb in PermissionVerb.allCases {
            #expect(objects.contains { verb.permission(on: $0) != nil }, "\(verb)")
            #expect(try PermissionVerb(word: verb.rawValue) == verb)
        }
        for (word, verb) in PermissionVerb.otherWords { #expect(try PermissionVerb(word: word) == verb) }
        #expect(throws: TrustModelError(.name, "")) { try PermissionVerb(word: "shred") }
    }

    @Test func `every permission can be asked about`() throws {
        let asked = try Self.objects().flatMap { object in
            PermissionVerb.allCases.compactMap { $0.permission(on: object) }
        }
        let (team, fleet) = (try TeamName("acme"), try FleetName("prod"))
        for permission: Permission in [
            .readGovernance, .administer, .approveAdministration, .readTeam(team), .createStore(team), .propose(team),
            .approveAdditions(team), .proposeRemoval(team), .remove(team), .denyEverywhere,
            .proposeLiftingDenial(team), .proposeLiftingDenial(nil), .approveLiftingDenial(team),
            .approveLiftingDenial(nil), .proposeCustody(team), .approveCustody(team), .holdKey(team),
            .approveBreakGlass(team), .reviewBreakGlass(team), .approveVendor(team), .removeVendor, .readFleet(fleet),
            .proposeFleet(fleet),
            .approveFleet(fleet), .createFleet, .operateFleet(fleet),
            .endException(fleet), .readAudit(.everything), .exportAudit(.everything),
        ] {
            #expect(asked.contains(permission) && Self.isListed(permission), "\(permission)")
        }
    }

    /// Whoever adds a permission adds it here, to the list above and to a word.
    private static func isListed(_ permission: Permission) -> Bool {
        switch permission {
        case .readGovernance, .administer, .approveAdministration, .readTeam, .createStore, .propose,
            .approveAdditions, .proposeRemoval, .remove, .denyEverywhere, .proposeLiftingDenial,
            .approveLiftingDenial, .proposeCustody, .approveCustody, .holdKey, .approveBreakGlass,
            .reviewBreakGlass, .approveVendor, .removeVendor, .readFleet, .proposeFleet, .approveFleet, .createFleet,
            .operateFleet, .endException,
            .readAudit, .exportAudit:
            true
        }
    }

    @Test func `a word on an object that it means nothing for is no permission`() throws {
        #expect(PermissionVerb.endException.permission(on: .team(try TeamName("acme"))) == nil)
        #expect(PermissionVerb.remove.permission(on: .audit) == nil)
        #expect(throws: TrustModelError(.name, "")) { try PermissionObject("planet:mars") }
    }
}
