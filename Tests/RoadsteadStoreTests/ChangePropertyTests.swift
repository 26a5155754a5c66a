import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

/// Random people do random things, and what the store publishes is held against a model that knows only the rules.
@Suite(.postgres) struct ChangePropertyTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `nothing is published without enough eligible people who approved exactly that`(seed: UInt64) async throws {
        let scene = try await Scene.make(approvals: 2)
        let other = try await scene.world.team("other")
        let frank = try await scene.world.person("frank", (.teamAdmin, .team(other)))
        var story = Story(scene, people: [scene.bob, scene.erin, scene.carol, scene.dave, frank], seed: seed)
        for _ in 0..<200 { try await story.step() }
        #expect(story.published > 0, "seed \(seed) never published anything, so it shows nothing")
    }
}

/// Numbers that look random and are the same in every run.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// What a change is, as far as the rules of approval care.
private struct Modelled {
    let author: PersonID
    var expires: UTCDate
    var digest: String
    /// Who approved which digest.
    var approvals: [String: Set<PersonID>] = [:]
    var isPublished = false
}

private struct Story {
    let scene: Scene
    let people: [Session]
    private var dice: Dice
    private var now = start
    private var changes: [Int64: Modelled] = [:]
    /// Who may approve additions of the team now.
    private var able: Set<PersonID>
    private var disabled: Set<PersonID> = []
    private var certificate: UInt8 = 10
    private(set) var published = 0
    private(set) var sentBack = 0

    init(_ scene: Scene, people: [Session], seed: UInt64) {
        self.scene = scene
        self.people = people
        dice = Dice(state: seed)
        able = [scene.bob.person.id, scene.erin.person.id, scene.carol.person.id]
    }

    mutating func step() async throws {
        let person = people.randomElement(using: &dice) ?? scene.bob
        let helper = [scene.bob, scene.erin, scene.carol].randomElement(using: &dice) ?? scene.bob
        let number = changes.keys.sorted().suffix(3).randomElement(using: &dice)
        switch Int.random(in: 0..<100, using: &dice) {
        case 0..<16: try await propose(person)
        case 16..<64:
            try await decide(number, Int.random(in: 0..<4, using: &dice) == 0 ? person : helper, approves: true)
        case 64..<66: try await decide(number, person, approves: false)
        case 66..<70: try await edit(number)
        case 70..<73: try await submit(number)
        case 73..<75: try await withdraw(number, person)
        case 75..<82: try await toggleRole()
        case 82..<85: try await toggleDisabled(person)
        case 85..<87: now = now.adding(days: 2)
        case 87..<89: _ = try await scene.world.publisher.expireChanges(now: now)
        default: try await publish()
        }
        try await compare()
    }

    // MARK: Steps

    private mutating func propose(_ person: Session) async throws {
        certificate += 1
        let content = try scene.world.addition(of: [certificate, 1], to: scene.team)
        let isDraft = Bool.random(using: &dice)
        guard
            let record = try await allowed({
                try await scene.world.api.propose(content, draft: isDraft, by: person.actor, now: now)
            })
        else { return }
        changes[record.change.number] = Modelled(
            author: person.person.id, expires: record.change.expires, digest: record.change.digest)
    }

    private mutating func decide(_ number: Int64?, _ person: Session, approves: Bool) async throws {
        guard let number, let change = changes[number] else { return }
        // Now and then with a digest that is another change's.
        let strays = changes.values.map(\.digest).sorted()
        let isStray = Int.random(in: 0..<10, using: &dice) == 0
        let digest = isStray ? strays.randomElement(using: &dice) ?? change.digest : change.digest
        let decided = try await allowed {
            try await scene.world.api.decide(
                number, approves: approves, digest: digest, by: person.actor, now: now)
        }
        guard decided != nil else { return }
        #expect(digest == change.digest && now < change.expires)
        #expect(!approves || person.person.id != change.author)
        if approves { changes[number]?.approvals[digest, default: []].insert(person.person.id) }
    }

    private mutating func edit(_ number: Int64?) async throws {
        guard let number, let author = session(changes[number]?.author) else { return }
        certificate += 1
        let content = try scene.world.addition(of: [certificate, 2], to: scene.team)
        let record = try await allowed {
            let version = try await scene.world.api.change(number).change.version
            return try await scene.world.api.edit(
                number, to: content, ifVersion: version, by: author.actor, now: now)
        }
        guard let record else { return }
        changes[number]?.digest = record.change.digest
        changes[number]?.expires = record.change.expires
    }

    private mutating func submit(_ number: Int64?) async throws {
        guard let number, let author = session(changes[number]?.author) else { return }
        let record = try await allowed {
            try await scene.world.api.submit(number, by: author.actor, now: now)
        }
        if let record { changes[number]?.expires = record.change.expires }
    }

    private func withdraw(_ number: Int64?, _ person: Session) async throws {
        guard let number else { return }
        let withdrawn = try await allowed {
            try await scene.world.api.withdraw(number, by: person.actor, now: now)
        }
        if withdrawn != nil { #expect(changes[number]?.author == person.person.id) }
    }

    /// Gives back the role that somebody lost, else takes one away.
    private mutating func toggleRole() async throws {
        let holders = [scene.bob, scene.erin, scene.carol].map(\.person.id)
        guard let id = holders.first(where: { !able.contains($0) }) ?? holders.randomElement(using: &dice) else {
            return
        }
        let isOfficer = id == scene.carol.person.id
        if able.remove(id) != nil {
            try await scene.world.asOwner(
                """
                UPDATE role_binding SET revoked_at = granted_at, revoked_by = \(id)
                WHERE person_id = \(id) AND revoked_at IS NULL
                """)
        } else {
            able.insert(id)
            let (role, team) = isOfficer ? ("security-officer", "NULL") : ("team-admin", "id")
            try await scene.world.asOwner(
                """
                INSERT INTO role_binding (person_id, role, team_id, granted_by, granted_at)
                SELECT \(id), '\(role)', \(team), \(id), created_at FROM team WHERE name = 'acme'
                """)
        }
    }

    private mutating func toggleDisabled(_ person: Session) async throws {
        let id = disabled.first ?? person.person.id
        let isBack = disabled.remove(id) != nil
        if !isBack { disabled.insert(id) }
        try await scene.world.asOwner(
            "UPDATE person SET disabled_at = \(isBack ? "NULL" : "created_at") WHERE id = \(id)")
    }

    private mutating func publish() async throws {
        for outcome in try await scene.world.publisher.publishApprovedChanges(now: now) {
            switch outcome {
            case .published(let number):
                let change = try #require(changes[number])
                let counting = (change.approvals[change.digest] ?? []).intersection(able)
                    .subtracting(disabled).subtracting([change.author])
                #expect(counting.count >= 2, "C-\(number) came in with \(counting.count) approvals that count")
                #expect(now < change.expires, "C-\(number) came in after its end")
                changes[number]?.isPublished = true
                published += 1
            case .sentBack: sentBack += 1
            case .rejected, .expired: break
            case .failed(let number, let reason): Issue.record("C-\(number): \(reason)")
            }
        }
    }

    // MARK: Looking

    /// What the database says is in force is what the model saw coming into force, and nothing else.
    private func compare() async throws {
        let known = changes.filter(\.value.isPublished).keys.sorted()
        let found = try await scene.world.database.withConnection(as: .owner) { connection in
            let rows = try await connection.rows(
                "SELECT number AS n FROM change WHERE state = 'published' AND team_id IS NOT NULL ORDER BY number")
            return try rows.map { row -> Int64 in try row.value("n") }
        }
        #expect(found == known)
        let anchors = try await scene.world.count("SELECT count(*) AS n FROM anchor")
        #expect(anchors == known.count)
    }

    private func session(_ person: PersonID?) -> Session? { people.first { $0.person.id == person } }

    /// What an attempt brought; nil where the store refused it, which most attempts here deserve.
    private func allowed<Value>(_ body: () async throws -> Value) async throws -> Value? {
        do {
            return try await body()
        } catch let error as StoreError {
            #expect(error.code != .damaged && error.code != .invalid, "\(error)")
            return nil
        }
    }
}
