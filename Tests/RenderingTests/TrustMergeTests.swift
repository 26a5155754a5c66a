import Codecs
import PKI
import SigningKeys
import Testing
import TrustModel

@Suite struct TrustMergeTests {
    @Test func `a team's stores and statements become the host's trust`() async throws {
        let root = try await makeRoot("a")
        let outcome = try merge([
            TeamFixture(name: "acme", scopes: ["registry.example.com/acme"], stores: ["prod": [root]])
        ])
        #expect(outcome.warnings.isEmpty)
        #expect(outcome.trust.release == 7)
        let found = try #require(outcome.trust.stores.first)
        #expect(found.id == (try store("acme", "prod")))
        #expect(found.anchors == [Base64.encode(root.der)])
        let statement = try #require(outcome.trust.statements.first)
        #expect(statement.team?.rawValue == "acme")
        #expect(statement.scopes.map(\.rawValue) == ["registry.example.com/acme"])
    }

    @Test(arguments: ["registry.example.com/other", "registry.example.com", "registry.example.com/acme-x"])
    func `a statement outside the team's scopes refuses the whole team`(foreign: String) async throws {
        let (old, new) = (try await makeRoot("old"), try await makeRoot("new"))
        var team = TeamFixture(name: "acme", scopes: ["registry.example.com/acme"], stores: ["prod": [new]])
        team.statementScopes = ["registry.example.com/acme", foreign]
        let good = TeamFixture(name: "acme", scopes: ["registry.example.com/acme"], stores: ["prod": [old]])
        let outcome = try merge([team], lastGood: [good])
        #expect(outcome.warnings.map(\.kind) == [.keptBack])
        #expect(outcome.trust.stores.flatMap(\.anchors) == [Base64.encode(old.der)])
        #expect(outcome.trust.statements.flatMap(\.scopes).map(\.rawValue) == ["registry.example.com/acme"])
    }

    @Test func `the anchors that hosts may take are listed for older agents too, and newer ones obey the newer list`()
        async throws
    {
        let (own, other, stray) = (try await makeRoot("own"), try await makeRoot("other"), try await makeRoot("stray"))
        var acme = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [own, other, stray]])
        acme.allowed = [
            .init(kind: .ca, sha256: own.sha256, origin: .own), .init(kind: .tsa, sha256: other.sha256, origin: .own),
        ]
        let settings = FleetSettings(
            fleet: try FleetName("prod"), fleetID: try FleetID(String(repeating: "a", count: 32)),
            teams: [try acme.settings], enforcers: [])
        let text = String(decoding: try settings.publishedBytes(), as: UTF8.self)
        let list = [own.sha256, other.sha256].sorted().map { "\"\($0)\"" }.joined(separator: ",")
        #expect(text.contains("\"allowedThirdPartyAnchors\":[\(list)]"))
        let older = text.replacing("\"allowedAnchors\"", with: "\"unknown\"")
        for (text, anchors) in [(text, [own]), (older, [own, other])] {
            let trust = TrustMerge(
                settings: try FleetSettings(verifiedBytes: Array(text.utf8)), ops: nil, deny: DenyDocument(denials: []),
                teams: [try team("acme"): .verified(try acme.targets)], release: 1, issued: now
            ).merged().trust
            #expect(trust.stores.flatMap(\.anchors) == anchors.map { Base64.encode($0.der) })
        }
    }

    @Test func `of content that is withheld only the removals count`() async throws {
        let (kept, removed, added) = (try await makeRoot("a"), try await makeRoot("b"), try await makeRoot("c"))
        let old = TeamFixture(
            name: "acme", scopes: ["reg.example.com/acme"], stores: ["one": [kept, removed], "two": [removed]])
        let new = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["one": [added, kept]])
        let left = try old.targets.less(removedIn: new.targets)
        #expect(left.stores == [try store("acme", "one"): Array(kept.pem.utf8), try store("acme", "two"): []])
        #expect(left.policy == (try old.targets.policy))
        #expect(try old.targets.less(removedIn: old.targets) == old.targets)
    }

    @Test func `times in ops settings that no host could keep become the nearest that it can`() throws {
        let text = """
            {"critical":[],"pollSeconds":9000000000000000000,"reportSeconds":-5,"repositories":[],"schema":1}
            """
        let ops = try OpsSettings(verifiedBytes: Array(text.utf8))
        #expect(ops.pollSeconds == 86_400 && ops.reportSeconds == 1)
    }

    @Test func `a scope inside another team's longer scope is not the outer team's`() async throws {
        let root = try await makeRoot("a")
        var outer = TeamFixture(name: "outer", scopes: ["reg.example.com"], stores: ["s": [root]])
        outer.statementScopes = ["reg.example.com/inner/app"]
        let inner = TeamFixture(name: "inner", scopes: ["reg.example.com/inner"], stores: ["s": [root]])
        let outcome = try merge([outer, inner])
        #expect(outcome.warnings.map(\.kind) == [.noContent])
        #expect(outcome.warnings.first?.team?.rawValue == "outer")
    }

    @Test func `one team's failure does not stop the others, and without last good content its scopes reject`()
        async throws
    {
        let root = try await makeRoot("a")
        var bad = TeamFixture(name: "bad", scopes: ["reg.example.com/good/bad"], stores: ["s": [root]])
        bad.rawPolicy = Array("{".utf8)
        let good = TeamFixture(name: "good", scopes: ["reg.example.com/good"], stores: ["s": [root]])
        let outcome = try merge(
            [bad, good], repositories: ["reg.example.com/good/bad/app", "reg.example.com/good/app"])
        #expect(outcome.warnings.map(\.kind) == [.noContent])
        let tree = NotationTree(outcome.trust, now: now)
        #expect(try isRejecting(tree, "reg.example.com/good/bad/app"))
        #expect(try !isRejecting(tree, "reg.example.com/good/app"))
    }

    @Test func `an unknown critical feature keeps the team's last good content`() async throws {
        let (old, new) = (try await makeRoot("old"), try await makeRoot("new"))
        var team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [new]])
        let good = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [old]])
        team.rawPolicy = Array(
            #"{"constraints":[],"critical":["moon-phase"],"schema":1,"statements":[],"team":"acme"}"#.utf8)
        let outcome = try merge([team], lastGood: [good])
        #expect(outcome.trust.stores.flatMap(\.anchors) == [Base64.encode(old.der)])
        #expect(outcome.warnings.first?.text.contains("moon-phase") == true)
        #expect(outcome.content[try TeamName("acme")] == (try good.targets))
    }

    @Test func `a team whose role cannot be had keeps its last good content, minus denials`() async throws {
        let (one, two) = (try await makeRoot("one"), try await makeRoot("two"))
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [one, two]])
        let outcome = try merge(
            [team], denials: [try denial(.certificate(sha256: one.sha256))], unavailable: ["acme"], lastGood: [team])
        #expect(outcome.trust.stores.flatMap(\.anchors) == [Base64.encode(two.der)])
        #expect(outcome.warnings.map(\.kind) == [.keptBack])
    }

    @Test func `last good content is cut down to the scopes that the team still has`() async throws {
        let root = try await makeRoot("a")
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [root]])
        var old = team
        old.statementScopes = ["reg.example.com/acme", "reg.example.com/sold"]
        let outcome = try merge([team], unavailable: ["acme"], lastGood: [old])
        #expect(outcome.trust.statements.flatMap(\.scopes).map(\.rawValue) == ["reg.example.com/acme"])
        #expect(outcome.warnings.map(\.kind) == [.keptBack, .statement])
    }

    @Test func `a denial takes an anchor out by certificate, key or issuer and serial`() async throws {
        let root = try await makeRoot("gone")
        let key = try #require(root.publicKey).fingerprint
        let subjects: [DenialSubject] = [
            .certificate(sha256: root.sha256), .key(sha256: Hex.encode(key)),
            .issuerAndSerial(issuer: root.issuer.description, serial: root.serialNumber.description),
        ]
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [root]])
        for subject in subjects {
            let trust = try merge([team], denials: [try denial(subject)]).trust
            #expect(trust.stores.map(\.anchors) == [[]], "\(subject)")
            #expect(trust.denials.count == 1)
        }
    }

    @Test func `targets of a team are taken up to a size that all of them have together`() {
        let limit = TeamTargets.byteLimit
        #expect(TeamTargets.refusal(ofLengths: [limit - 1, 1, 0]) == nil)
        for lengths in [[limit, 1], [limit + 1], [Int64.max, Int64.max], [-1]] {
            #expect(TeamTargets.refusal(ofLengths: lengths)?.contains("1048576 bytes") == true, "\(lengths)")
        }
    }

    @Test func `constraints that every store repeats are taken up to a number`() async throws {
        let root = try await makeRoot("a")
        var team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"])
        for index in 0..<101 { team.stores["s\(index)"] = [root] }
        team.constraints = Array(repeating: .init(anchor: root.sha256, distrustAfter: now), count: 100)
        let outcome = try merge([team])
        #expect(outcome.warnings.map(\.kind) == [.noContent])
        #expect(outcome.warnings.first?.text.contains("10000 times") == true)
    }

    @Test func `a host's trust is read back when it is larger than other documents may be`() throws {
        let trust = HostTrust(
            fleet: try FleetName("prod"), release: 1, issued: now, statements: [],
            stores: [
                .init(id: try store("acme", "prod"), anchors: [String(repeating: "A", count: 9 << 20)], constraints: [])
            ], denials: [], repositories: [])
        let bytes = try trust.publishedBytes()
        #expect(bytes.count > TeamPolicy.byteLimit)
        #expect(try HostTrust(verifiedBytes: bytes) == trust)
        #expect(throws: CodecError(.limit, "")) { try TeamPolicy(verifiedBytes: bytes) }
    }

    @Test func `a denial for one team leaves the others alone`() async throws {
        let root = try await makeRoot("shared")
        let teams = ["a", "b"].map {
            TeamFixture(name: $0, scopes: ["reg.example.com/\($0)"], stores: ["s": [root]])
        }
        let trust = try merge(teams, denials: [try denial(.certificate(sha256: root.sha256), team: "a")]).trust
        #expect(trust.stores.map(\.anchors.count) == [0, 1])
    }

    @Test func `a denial of a digest or identity stays in the host's trust`() async throws {
        let root = try await makeRoot("a")
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [root]])
        let digest = try denial(.digest("sha256:" + String(repeating: "0", count: 64)))
        let trust = try merge([team], denials: [digest]).trust
        #expect(trust.denials == [digest])
        #expect(trust.stores.map(\.anchors.count) == [1])
    }

    @Test func `an unknown kind of denial warns and the known ones still apply`() async throws {
        let root = try await makeRoot("a")
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [root]])
        let text = """
            {"critical":[],"denials":[\
            {"id":"D-9","issued":"2026-01-01T00:00:00Z","kind":"builder","reason":"r","value":"x"},\
            {"id":"D-1","issued":"2026-01-01T00:00:00Z","kind":"certificate","reason":"r","value":"\(root.sha256)"}\
            ],"schema":1}
            """
        let document = try DenyDocument(verifiedBytes: Array(text.utf8))
        let outcome = try merge([team], denials: document.denials)
        #expect(outcome.trust.stores.map(\.anchors) == [[]])
        #expect(outcome.warnings.map(\.kind).contains(.unknownDenial))
    }

    @Test func `an anchor that the signed settings do not list is left out, whatever the team's role calls it`()
        async throws
    {
        let (own, vendor, smuggled) = (
            try await makeRoot("own"), try await makeRoot("vendor"), try await makeRoot("smuggled")
        )
        var team = TeamFixture(
            name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [own, vendor, smuggled]])
        team.allowed = [
            .init(kind: .ca, sha256: own.sha256, origin: .own),
            .init(kind: .ca, sha256: vendor.sha256, origin: .thirdParty),
        ]
        let outcome = try merge([team])
        #expect(
            Set(outcome.trust.stores.flatMap(\.anchors)) == [Base64.encode(own.der), Base64.encode(vendor.der)])
        #expect(outcome.warnings.map(\.kind) == [.anchor])
    }

    @Test func `an anchor that is listed for timestamps is none for signatures`() async throws {
        let root = try await makeRoot("tsa")
        var team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [root]])
        team.allowed = [.init(kind: .tsa, sha256: root.sha256, origin: .thirdParty)]
        #expect(try merge([team]).trust.stores.flatMap(\.anchors).isEmpty)
    }

    @Test func `without a list in the settings a team's anchors are taken as its role has them`() async throws {
        let root = try await makeRoot("own")
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [root]])
        #expect(try merge([team]).trust.stores.flatMap(\.anchors) == [Base64.encode(root.der)])
    }

    @Test func `a scope that two teams claim rejects`() async throws {
        let root = try await makeRoot("a")
        let teams = ["a", "b"].map {
            TeamFixture(name: $0, scopes: ["reg.example.com/x"], stores: ["s": [root]])
        }
        let outcome = try merge(teams)
        #expect(outcome.warnings.map(\.kind).contains(.contestedScope))
        #expect(try isRejecting(NotationTree(outcome.trust, now: now), "reg.example.com/x"))
    }

    @Test func `a scope that stands in two of a team's statements refuses the team`() async throws {
        let root = try await makeRoot("a")
        var team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [root]])
        team.statementScopes = ["reg.example.com/acme", "reg.example.com/acme"]
        #expect(try merge([team]).warnings.map(\.kind) == [.noContent])
    }

    @Test func `a trust made rejecting rejects every scope in every form`() async throws {
        let root = try await makeRoot("a")
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [root]])
        let trust = try merge([team]).trust.rejecting
        #expect(trust.statements.map(\.stores) == [[]])
        #expect(try isRejecting(NotationTree(trust, now: now), "reg.example.com/acme"))
    }

    @Test func `rubbish in a store refuses the team, not the host`() async throws {
        let root = try await makeRoot("a")
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": [root]])
        let settings = FleetSettings(
            fleet: try FleetName("prod"), fleetID: try FleetID(String(repeating: "a", count: 32)),
            teams: [try team.settings], enforcers: [])
        let targets = TeamTargets(
            team: try TeamName("acme"), policy: try team.targets.policy,
            stores: [
                try store("acme", "prod"): Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
            ])
        let outcome = TrustMerge(
            settings: settings, ops: nil, deny: DenyDocument(denials: []),
            teams: [try TeamName("acme"): .verified(targets)], release: 1, issued: now
        ).merged()
        #expect(outcome.warnings.map(\.kind) == [.missing, .noContent])
        #expect(outcome.trust.stores.isEmpty)
    }

    @Test func `most anchors denied at once is an alarm, and obeyed`() async throws {
        let roots = [try await makeRoot("a"), try await makeRoot("b"), try await makeRoot("c")]
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com/acme"], stores: ["prod": roots])
        let denials = try roots.map { try denial(.certificate(sha256: $0.sha256)) }
        let outcome = try merge([team], denials: denials)
        #expect(outcome.trust.stores.map(\.anchors) == [[]])
        #expect(outcome.warnings.map(\.kind) == [.massDenial])
    }
}
