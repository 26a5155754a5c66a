import Codecs
import HTTPTypes
import PKI
import PostgresTesting
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite(.postgres) struct VendorStory {
    @Test func `a team asks for a third party, two people register it, and the team's store follows it`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let team = try TeamName("acme")
            try await api.govern(
                .post, "/v1/root-rules",
                RootRuleBody(
                    name: "any/vendors", origin: .thirdParty, effect: .allow, approvals: 1,
                    conditions: RuleConditions(registeredVendor: true)), as: alice)
            let bob = try await api.invite("bob", [InvitedRole(role: .teamAdmin, team: team)], by: alice)
            let carol = try await api.invite("carol", [InvitedRole(role: .teamMember, team: team)], by: alice)
            let olga = try await api.invite("olga", [InvitedRole(role: .securityOfficer)], by: alice)
            let root = try await TestAPI.root("globex root")

            // Refused, with the reason and the way out; explained; asked for.
            let request = ChangeRequest(
                team: team,
                operations: [
                    .addAnchor(
                        AddAnchorBody(
                            kind: .ca, store: try TrustStoreName("prod"), certificate: root.pem, origin: .thirdParty))
                ], justification: "their agent")
            let refused = try await api.send(.post, "/v1/changes", json: try JSON(encoding: request), as: carol)
            #expect(refused.problem == "store.refused-by-rule")
            let hint = try refused.decode(ProblemBody.self).hint ?? ""
            #expect(hint.contains("roadstead anchor request") && hint.contains("trust administrators"))
            let explained: RuleExplanation = try await api.ask(
                .post, "/v1/root-rules/explain",
                RuleExplainRequest(team: team, kind: .ca, origin: .thirdParty, certificate: root.pem), as: carol)
            #expect(!explained.allowed && explained.decidedBy == [.trustAdmin, .securityOfficer])
            let vendors = try #require(explained.considered.first { $0.rule == "any/vendors" })
            #expect(vendors.conditions.contains { $0.asks == "through a registered vendor" && !$0.holds })
            let asked: RequestBody = try await api.ask(
                .post, "/v1/requests",
                RequestAsk(team: team, kind: .vendor, vendor: try VendorName("globex"), reason: "their agent"),
                as: carol)
            #expect(asked.state == .open && asked.author == "carol")

            // Registered by two, one of them from outside.
            let vendor = try SetVendor(
                vendor: try VendorName("globex"), askedBy: team,
                details: try VendorDetails(
                    displayName: "Globex", contact: "pki@globex.example", source: "https://globex.example/pki",
                    reviewBy: SystemClock.now().adding(days: 300)),
                anchors: [try VendorAnchor(kind: .ca, certificate: root.der, typed: root.sha256)])
            let proposed: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(team: nil, operations: [.governed(vendor)], justification: "asked for in R-1"), as: carol)
            #expect(proposed.approvalsNeeded == 2)
            #expect(proposed.effect.first?.contains("globex") == true)
            for person in [bob, olga] {
                let _: ChangeBody = try await api.ask(
                    .post, "/v1/changes/\(proposed.number)/approve", DecisionRequest(digest: proposed.digest),
                    as: person)
            }
            let registered = try await api.eventually {
                try await api.ask(.get, "/v1/vendors", as: carol, answer: Page<VendorBody>.self).items
            } until: {
                !$0.isEmpty
            }
            #expect(registered.map(\.anchors.count) == [1] && registered.first?.registeredBy == "carol")
            let closed: RequestBody = try await api.ask(
                .post, "/v1/requests/\(asked.number)/accept",
                RequestAnswer(answer: "registered", change: proposed.number), as: olga)
            #expect(closed.state == .accepted && closed.change == proposed.number)

            // Used with one approval.
            let store = TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName("prod"))
            let use: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: team, operations: [.governed(UseVendor(vendor: vendor.vendor, store: store))],
                    justification: "their agent"), as: carol)
            let _: ChangeBody = try await api.ask(
                .post, "/v1/changes/\(use.number)/approve", DecisionRequest(digest: use.digest), as: bob)
            let anchors = try await api.eventually {
                try await api.ask(.get, "/v1/anchors?vendor=globex", as: carol, answer: Page<AnchorBody>.self).items
            } until: {
                !$0.isEmpty
            }
            #expect(anchors.map(\.sha256) == [root.sha256] && anchors.first?.origin == .thirdParty)
        }
    }

    @Test func `a rule says on its way out everything that it was made of`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let print = String(repeating: "ab", count: 32)
            let rule = RootRuleBody(
                name: "deny/others", origins: [.own, .thirdParty], effect: .deny, approvals: 0, reason: "two keys only",
                conditions: RuleConditions(
                    exceptCertificateSHA256: [print], exceptKeySHA256: [print], subject: #"C=US,O=Acme\, Inc."#,
                    signatureHashes: ["sha384"], vendors: [try VendorName("globex")]))
            let allow = RootRuleBody(
                name: "allow/some", effect: .allow, approvals: 3, securityOfficers: 2, outsiders: 1,
                conditions: RuleConditions(keyTypes: ["ec-p384"], maximumValidityDays: 400))
            for body in [rule, allow] {
                try await api.govern(.post, "/v1/root-rules", body, as: alice)
            }
            let rules: Page<RootRuleBody> = try await api.ask(.get, "/v1/root-rules", as: alice)
            let shown = try #require(rules.items.first { $0.name == rule.name })
            #expect(shown.origins == rule.origins && shown.reason == rule.reason && shown.conditions == rule.conditions)
            let other = try #require(rules.items.first { $0.name == allow.name })
            #expect(other.securityOfficers == 2 && other.outsiders == 1 && other.conditions == allow.conditions)
        }
    }
}
