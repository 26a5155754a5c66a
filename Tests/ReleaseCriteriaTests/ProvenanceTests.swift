import Codecs
import OCI
import SigningKeys
import Testing

@testable import ReleaseCriteria

@Suite struct ProvenanceTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let missing: Set<String>
        let predicate: JSON

        init(_ name: String, _ missing: Set<String>, _ predicate: JSON) {
            testDescription = name
            self.missing = missing
            self.predicate = predicate
        }
    }

    static let cases: [Case] = [
        Case("as it must be", [], Fixture.provenance()),
        Case("a tag that a pattern covers", [], Fixture.provenance(ref: "refs/tags/v1.2")),
        Case(
            "another spelling of the repository", [],
            Fixture.provenance(repository: "https://git.example.com/team/app/")),
        Case(
            "another builder", ["provenance.builder"], Fixture.provenance(builder: "https://ci.example.com/builder/x")),
        Case(
            "another repository", ["provenance.repository"],
            Fixture.provenance(repository: "https://git.example.com/team/app2")),
        Case("another branch", ["provenance.ref"], Fixture.provenance(ref: "refs/heads/main2")),
        Case("too old", ["provenance.age"], Fixture.provenance(finished: Fixture.now.adding(seconds: -3_601))),
        Case("from the future", ["provenance.age"], Fixture.provenance(finished: Fixture.now.adding(seconds: 301))),
        Case("nothing inside", ["provenance.form"], [:]),
        Case(
            "a source beside the workflow that is not trusted", ["provenance.repository", "provenance.ref"],
            [
                "buildDefinition": [
                    "buildType": "https://ci.example.com/build/v1",
                    "externalParameters": [
                        "workflow": ["repository": "https://git.example.com/team/app", "ref": "refs/heads/main"],
                        "source": "git+https://evil.example.com/app@refs/heads/x", "inputs": ["debug": false],
                    ],
                ],
                "runDetails": [
                    "builder": ["id": "https://ci.example.com/builder"],
                    "metadata": ["finishedOn": .string(Fixture.recent.description)],
                ],
            ]),
        Case(
            "the trusted repository among the dependencies only", ["provenance.repository", "provenance.ref"],
            [
                "buildDefinition": [
                    "buildType": "https://ci.example.com/build/v1", "externalParameters": ["inputs": ["debug": false]],
                    "resolvedDependencies": [["uri": "git+https://git.example.com/team/app@refs/heads/main"]],
                ],
                "runDetails": [
                    "builder": ["id": "https://ci.example.com/builder"],
                    "metadata": ["finishedOn": .string(Fixture.recent.description)],
                ],
            ]),
    ]

    @Test(arguments: cases)
    func `provenance of version 1 is held against every criterion`(_ example: Case) async throws {
        let fixture = try Fixture()
        let payload = Fixture.statement(Provenance.versionOne, example.predicate)
        let evidence = try await Fixture.envelope(payload, [fixture.builder])
        let decision = try fixture.decide(["provenance": Fixture.provenanceRule], [evidence])
        let attesters: Set<String> = example.missing.isEmpty ? [] : ["provenance.attesters"]
        #expect(decision.missing == example.missing.union(attesters))
        #expect(decision.isAllowed == example.missing.isEmpty)
    }

    @Test func `provenance of version 0_2 names its source in its configuration`() async throws {
        let fixture = try Fixture()
        let predicate: JSON = [
            "builder": ["id": "https://ci.example.com/builder"], "buildType": "https://ci.example.com/build/v1",
            "invocation": [
                "configSource": ["uri": "git+https://git.example.com/team/app@refs/heads/main"],
                "parameters": ["inputs": ["debug": false]],
            ], "metadata": ["buildFinishedOn": .string(Fixture.recent.description)],
        ]
        let payload = Fixture.statement(
            Provenance.versionZeroTwo, predicate, version: "https://in-toto.io/Statement/v0.1")
        let evidence = try await Fixture.envelope(payload, [fixture.builder])
        #expect(try fixture.decide(["provenance": Fixture.provenanceRule], [evidence]).isAllowed)
    }

    @Test(arguments: [KeyType.ed25519, .ec(.p256), .ec(.p384), .ec(.p521), .rsa(bits: 2_048)])
    func `keys of every type attest`(_ type: KeyType) async throws {
        let fixture = try Fixture(type)
        let evidence = try await Fixture.envelope(
            Fixture.statement(Provenance.versionOne, Fixture.provenance()), [fixture.builder])
        #expect(try fixture.decide(["provenance": Fixture.provenanceRule], [evidence]).isAllowed)
    }
}
