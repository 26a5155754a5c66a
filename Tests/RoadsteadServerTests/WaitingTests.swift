import Codecs
import RoadsteadWire
import Testing
import TrustModel

@Suite struct WaitingTests {
    private static func change(_ state: ChangeState, missing: ApprovalsNeeded?, by people: [String]) -> ChangeBody {
        ChangeBody(
            number: 1042, team: nil, author: "carol", state: state, version: 1, baseVersion: 1, digest: "",
            operations: [],
            effect: [], justification: "", created: UTCDate(seconds: 0), expires: UTCDate(seconds: 1_796_169_600),
            approvalsNeeded: 2, missing: missing.map(ApprovalsBody.init), approvals: [], canApprove: people, release: []
        )
    }

    @Test func `a change that waits says for how many, of which role, who can help and until when`() throws {
        let needed = try ApprovalsNeeded(count: 2, securityOfficers: 1)
        let waiting = Self.change(.submitted, missing: needed, by: ["alice", "olga"])
        #expect(
            waiting.waiting
                == "accepted as change C-1042; needs 2 approvals (1 security officer). Can approve: alice, olga. "
                + "Expires 2026-12-02.")
        #expect(Self.change(.submitted, missing: .one, by: []).waiting?.contains("Can approve: nobody yet.") == true)
    }

    @Test(arguments: [ChangeState.draft, .approved, .published, .withdrawn])
    func `a change in any other state does not wait`(state: ChangeState) {
        #expect(Self.change(state, missing: nil, by: []).waiting == nil)
    }
}
