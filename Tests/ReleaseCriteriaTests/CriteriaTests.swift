import Codecs
import OCI
import SigningKeys
import Testing

@testable import ReleaseCriteria

@Suite struct CriteriaTests {
    private let fixture: Fixture

    init() throws { fixture = try Fixture() }

    // MARK: tests

    struct TestCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let missing: Set<String>
        let predicate: JSON
    }

    static let tests = [
        TestCase(
            testDescription: "all passed", missing: [],
            predicate: ["result": "PASSED", "passedTests": ["unit", "e2e", "x"]]),
        TestCase(
            testDescription: "one is missing", missing: ["tests.required"],
            predicate: ["result": "PASSED", "passedTests": ["unit"]]),
        TestCase(
            testDescription: "one passed and failed", missing: ["tests.required"],
            predicate: ["result": "PASSED", "passedTests": ["unit", "e2e"], "failedTests": ["e2e"]]),
        TestCase(
            testDescription: "failed as a whole", missing: ["tests.result"],
            predicate: ["result": "FAILED", "passedTests": ["unit", "e2e"]]),
        TestCase(
            testDescription: "a name that is no text", missing: ["tests.form"],
            predicate: ["result": "PASSED", "passedTests": [1]]),
    ]

    @Test(arguments: tests)
    func `required tests must all have passed`(_ example: TestCase) async throws {
        let evidence = try await Fixture.envelope(
            Fixture.statement(TestReport.type, example.predicate), [fixture.builder])
        let rule: JSON = ["attesters": ["builder"], "threshold": 1, "required": ["unit", "e2e"]]
        let decision = try fixture.decide(["tests": rule], [evidence])
        #expect(decision.missing.subtracting(["tests.attesters"]) == example.missing)
        #expect(decision.isAllowed == example.missing.isEmpty)
    }

    // MARK: scans

    struct ScanCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let result: JSON
        let missing: Set<String>
    }

    static let scans = [
        ScanCase(testDescription: "nothing", result: [], missing: []),
        ScanCase(
            testDescription: "medium, by score",
            result: [["id": "CVE-1", "severity": [["method": "nvd", "score": "6.9"]]]], missing: []),
        ScanCase(
            testDescription: "high, by score",
            result: [["id": "CVE-1", "severity": [["method": "nvd", "score": .number("7.0")]]]],
            missing: ["scan.severity"]),
        ScanCase(
            testDescription: "the worse of two methods",
            result: [["id": "CVE-1", "severity": [["score": "1"], ["score": "CRITICAL"]]]],
            missing: ["scan.severity"]),
        ScanCase(
            testDescription: "a word that nobody knows", result: [["id": "CVE-1", "severity": "terrible"]],
            missing: ["scan.severity"]),
        ScanCase(
            testDescription: "no severity at all", result: [["id": "CVE-1", "severity": []]], missing: ["scan.severity"]
        ),
        ScanCase(
            testDescription: "Trivy's, high",
            result: [
                "Results": [["Target": "x"], ["Vulnerabilities": [["VulnerabilityID": "CVE-1", "Severity": "HIGH"]]]]
            ],
            missing: ["scan.severity"]),
        ScanCase(
            testDescription: "Trivy's, low",
            result: ["Results": [["Vulnerabilities": [["VulnerabilityID": "CVE-1", "Severity": "LOW"]]]]], missing: []),
        ScanCase(
            testDescription: "Grype's, critical",
            result: ["matches": [["vulnerability": ["id": "CVE-1", "severity": "Critical"]]]],
            missing: ["scan.severity"]),
        ScanCase(testDescription: "a form that nobody knows", result: ["issues": []], missing: ["scan.form"]),
    ]

    @Test(arguments: scans)
    func `a scan may find nothing worse than is allowed`(_ example: ScanCase) async throws {
        let predicate: JSON = [
            "scanner": ["uri": "pkg:trivy", "result": example.result],
            "metadata": ["scanFinishedOn": .string(Fixture.recent.description)],
        ]
        let rule: JSON = [
            "attesters": ["builder"], "threshold": 1, "worstSeverity": "medium", "scanners": ["pkg:trivy"],
            "maximumAgeSeconds": 86_400,
        ]
        for type in ScanReport.types {
            let evidence = try await Fixture.envelope(Fixture.statement(type, predicate), [fixture.builder])
            let decision = try fixture.decide(["scan": rule], [evidence])
            #expect(decision.missing.subtracting(["scan.attesters"]) == example.missing)
            let later = try fixture.decide(["scan": rule], [evidence], now: Fixture.now.adding(days: 2))
            #expect(!later.isAllowed)
        }
    }

    // MARK: people

    private func review(_ author: String, _ reviews: [(String, String)]) async throws -> JSON {
        let predicate: JSON = [
            "author": .string(author),
            "reviews": .array(reviews.map { ["reviewer": .string($0.0), "result": .string($0.1)] }),
        ]
        return try await Fixture.envelope(Fixture.statement(ReviewReport.type, predicate), [fixture.builder])
    }

    @Test func `the author does not count as a reviewer, nor anybody twice`() async throws {
        let criteria: JSON = ["reviews": ["attesters": ["builder"], "reviewers": 2]]
        let own = try await review("Ann", [("ann ", "approved"), ("bob", "approved"), ("BOB", "approved")])
        #expect(try fixture.decide(criteria, [own]).missing == ["reviews.reviewers"])
        let two = try await review("Ann", [("bob", "approved"), ("carol", "approved")])
        #expect(try fixture.decide(criteria, [two]).isAllowed)
        let against = try await review("Ann", [("dave", "changes requested")])
        #expect(try fixture.decide(criteria, [two, against]).missing == ["reviews.rejected"])
    }

    private func approval(_ person: String, key: String = "release", expires: UTCDate = Fixture.now.adding(seconds: 60))
        async throws -> JSON
    {
        let predicate: JSON = [
            "key": .string(key), "approvedOn": .string(Fixture.recent.description),
            "expires": .string(expires.description),
        ]
        let signer = try #require(fixture.people[person])
        return try await Fixture.envelope(Fixture.statement(ApprovalStatement.type, predicate), [signer])
    }

    @Test func `approvals are of different people, for this key, in time, and good once`() async throws {
        let criteria: JSON = ["approvals": ["people": ["ann", "bob"], "threshold": 2]]
        let (ann, bob) = (try await approval("ann"), try await approval("bob"))
        let decision = try fixture.decide(criteria, [ann, bob])
        #expect(decision.isAllowed)
        #expect(decision.approvals.count == 2)
        let again = try await approval("ann", expires: Fixture.now.adding(seconds: 61))
        #expect(!(try fixture.decide(criteria, [ann, again]).isAllowed))
        let foreign = try await approval("bob", key: "other")
        #expect(!(try fixture.decide(criteria, [ann, foreign]).isAllowed))
        let ended = try await approval("bob", expires: Fixture.now)
        #expect(!(try fixture.decide(criteria, [ann, ended]).isAllowed))
        let replayed = try fixture.decide(
            criteria, [ann, bob], record: Record(spent: Set(decision.approvals.prefix(1))))
        #expect(replayed.missing == ["approvals"])
    }

    // MARK: limits

    @Test func `scopes are compared by whole segments`() throws {
        let criteria: JSON = ["scopes": ["registry.example.com/team"]]
        for (name, holds) in [
            ("registry.example.com/team", true), ("registry.example.com/team/app", true),
            ("registry.example.com/team-x/app", false), ("registry.example.com", false), ("evil.example/team", false),
        ] {
            #expect(try fixture.decide(criteria, [], repository: name).isAllowed == holds)
        }
        #expect(try fixture.decide(criteria, [], repository: nil).missing == ["scope"])
    }

    @Test func `a window is open on its days and within its minutes`() throws {
        let monday = UTCDate(seconds: 1_795_392_000)
        try #require(monday.description == "2026-11-23T00:00:00Z")
        let criteria: JSON = ["windows": [["days": ["mon", "tue"], "from": "08:00", "until": "17:30"]]]
        for (offset, isOpen) in [
            (8 * 3_600 - 1, false), (8 * 3_600, true), (17 * 3_600 + 1_799, true), (17 * 3_600 + 1_800, false),
            (86_400 + 9 * 3_600, true), (2 * 86_400 + 9 * 3_600, false), (-86_400 + 9 * 3_600, false),
        ] {
            let moment = monday.adding(seconds: Int64(offset))
            #expect(try fixture.decide(criteria, [], now: moment).isAllowed == isOpen, "\(moment)")
        }
    }

    @Test func `rates count for the key and for each caller`() throws {
        let criteria: JSON = [
            "rate": [["count": 3, "seconds": 60, "per": "key"], ["count": 2, "seconds": 60, "per": "caller"]]
        ]
        let just = Fixture.now.adding(seconds: -1)
        var record = Record(all: [(just, "ci"), (Fixture.now.adding(seconds: -61), "ci")])
        #expect(try fixture.decide(criteria, [], record: record).isAllowed)
        record.all.append((just, "ci"))
        #expect(try fixture.decide(criteria, [], record: record).missing == ["rate.caller"])
        #expect(try fixture.decide(criteria, [], caller: "other", record: record).isAllowed)
        record.all.append((just, "third"))
        #expect(try fixture.decide(criteria, [], caller: "other", record: record).missing == ["rate.key"])
    }

    @Test func `other statements are held against the values that are asked for`() async throws {
        let evidence = try await Fixture.envelope(
            Fixture.statement("https://example.com/fit/v1", ["a": ["b": 7]]), [fixture.builder])
        func rule(_ value: JSON) -> JSON {
            [
                "attestations": [
                    [
                        "predicateType": "https://example.com/fit/v1", "attesters": ["builder"], "threshold": 1,
                        "fields": ["a.b": value],
                    ]
                ]
            ]
        }
        #expect(try fixture.decide(rule(7), [evidence]).isAllowed)
        #expect(!(try fixture.decide(rule("7"), [evidence]).isAllowed))
    }

    // MARK: configuration

    static let refused: [JSON] = [
        [:], ["unrestricted": false], ["surprise": 1], ["unrestricted": true, "scopes": ["a"]], ["scopes": []],
        ["scopes": [""]], ["tests": ["attesters": ["nobody"], "threshold": 1, "required": ["unit"]]],
        ["tests": ["attesters": ["builder"], "threshold": 2, "required": ["unit"]]],
        ["tests": ["attesters": ["builder"], "threshold": 0, "required": ["unit"]]],
        ["tests": ["attesters": ["builder", "builder"], "threshold": 2, "required": ["unit"]]],
        ["tests": ["attesters": ["builder"], "threshold": 1, "required": []]],
        ["tests": ["attesters": ["builder"], "threshold": 1, "required": ["unit"], "more": 1]],
        ["reviews": ["attesters": ["builder"], "reviewers": 0]],
        ["reviews": ["attesters": ["builder"], "reviewers": 1, "maximumAgeSeconds": 0]],
        ["approvals": ["people": ["ann"], "threshold": 1, "maximumAgeSeconds": 0]],
        ["scan": ["attesters": ["builder"], "threshold": 1, "worstSeverity": "low"]],
        ["metadata": ["build": ["*"]]], ["maximumExpirySeconds": 60], ["scopes": ["a"], "maximumExpirySeconds": 0],
        ["scopes": ["a"], "metadata": ["build": []]], ["unrestricted": true, "metadata": ["build": ["*"]]],
        ["windows": [["days": ["mon"], "from": "18:00", "until": "08:00"]]],
        ["windows": [["days": ["mon"], "from": "8:00", "until": "09:00"]]],
        ["windows": [["days": [], "from": "08:00", "until": "09:00"]]],
        ["rate": [["count": 0, "seconds": 1, "per": "key"]]], ["rate": [["count": 1, "seconds": 1, "per": "host"]]],
    ]

    @Test(arguments: refused.map(\.text))
    func `criteria that cannot mean what was meant are refused`(_ text: String) throws {
        let tree = try JSON(parsing: text)
        #expect(throws: CriteriaError(.configuration, "")) {
            try ReleaseCriteria(tree, attesters: fixture.attesters)
        }
    }

    @Test func `a signature says nothing beside the digest that the criteria do not name`() throws {
        let scopes: JSON = ["scopes": [.string(Fixture.repository)]]
        let criteria: JSON = [
            "scopes": [.string(Fixture.repository)], "metadata": ["build": ["*"], "stage": ["test", "live"]],
            "maximumExpirySeconds": 3_600,
        ]
        func missing(_ criteria: JSON, _ metadata: [String: String], _ expiry: Int64? = 60) throws -> Set<String> {
            let content = SignedContent(
                metadata: metadata, expiry: expiry.map { Fixture.now.adding(seconds: $0) })
            let request = ReleaseRequest(
                key: "release", caller: "ci", artifact: Fixture.artifact, repository: Fixture.repository, evidence: [],
                now: Fixture.now, content: content)
            return try ReleaseCriteria(criteria, attesters: []).judge(request).decided(Record()).missing
        }
        #expect(try missing(scopes, [:], nil).isEmpty)
        #expect(try missing(scopes, ["reviewed": "yes"], nil) == ["metadata"])
        #expect(try missing(["unrestricted": true], ["reviewed": "yes"], nil).isEmpty)
        #expect(try missing(criteria, ["build": "7", "stage": "live"]).isEmpty)
        #expect(try missing(criteria, ["build": "7", "stage": "dream"]) == ["metadata"])
        #expect(try missing(criteria, ["build": "7", "reviewed": "yes"]) == ["metadata"])
        #expect(try missing(criteria, [:], nil) == ["expiry"])
        #expect(try missing(criteria, [:], 3_601) == ["expiry"])
    }

    @Test func `only the operator's word lets the caller alone decide`() throws {
        #expect(try fixture.decide(["unrestricted": true], []).isAllowed)
    }

    /// Whatever single byte of good evidence is changed, what is allowed then is allowed by the same words.
    @Test func `no change of a byte turns evidence into more than it was`() async throws {
        let payload = Fixture.statement(TestReport.type, ["result": "PASSED", "passedTests": ["unit"]])
        let good = try await Fixture.envelope(payload, [fixture.builder])
        let rule: JSON = ["tests": ["attesters": ["builder"], "threshold": 1, "required": ["unit"]]]
        let bytes = good.bytes
        var generator = SystemRandomNumberGenerator()
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= UInt8.random(in: 1...255, using: &generator)
            guard let tree = try? JSON(parsing: changed) else { continue }
            guard try fixture.decide(rule, [tree]).isAllowed else { continue }
            let envelope = try DSSEEnvelope(tree)
            #expect(envelope.payload == payload)
            #expect(envelope.payloadType == Statement.payloadType)
        }
    }
}
