import Codecs
import PKI
import RoadsteadStore
import SigningKeys
import TrustModel

/// One change that adds a thousand anchors: proposed, approved, brought into force.
struct LargeChangeBench {
    static let anchors = 1_000
    let company: Company

    init(_ company: Company) { self.company = company }

    func run() async throws {
        let content = try await content()
        let clock = ContinuousClock()
        var change: ChangeRecord?
        let proposed = try await clock.measure {
            change = try await company.api.propose(content, by: company.alice.actor, now: Company.now)
        }
        guard let change else { return }
        let approved = try await clock.measure {
            _ = try await company.api.decide(
                change.change.number, approves: true, digest: change.change.digest, by: company.bob.actor,
                now: Company.now)
        }
        var outcomes: [ChangeOutcome] = []
        let published = try await clock.measure {
            outcomes = try await company.publisher.publishApprovedChanges(now: Company.now)
        }
        guard outcomes == [.published(change.change.number)] else { return print("not published: \(outcomes)") }
        report("a change of \(Self.anchors) anchors: proposed, s", rounded(proposed.seconds, 2))
        report("a change of \(Self.anchors) anchors: approved, s", rounded(approved.seconds, 2))
        report("a change of \(Self.anchors) anchors: in force, s", rounded(published.seconds, 2))
    }

    private func content() async throws -> ChangeContent {
        let store = try TrustStoreName("prod")
        let validity = try CertificateBuilder.Validity(from: Company.now.adding(days: -1), days: 3_650)
        var operations: [ChangeOperation] = []
        for number in 0..<Self.anchors {
            let root = try await CertificateBuilder.root(
                subject: try DistinguishedName("C=US,ST=WA,O=acme,CN=root \(number)"),
                signer: try PrivateKey.generate(.ec(.p256)), validity: validity)
            operations.append(
                .addAnchor(
                    AnchorAddition(
                        kind: .ca, store: store, certificate: root.der, origin: .own, owner: "alice")))
        }
        return try ChangeContent(team: company.team, operations: operations, justification: "a new hierarchy")
    }
}
