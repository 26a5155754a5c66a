import Codecs
import Testing
import TrustModel

@Suite struct AuditTrailTests {
    /// A log of some entries, each made after the one before.
    static func log(_ count: Int64, object: (Int64) -> String = { "C-\($0)" }) -> [AuditEntry] {
        var (entries, last) = ([AuditEntry](), AuditHead.beginning)
        for sequence in 1...count {
            let draft = entry(sequence, object(sequence), after: last.hash, hash: [])
            entries.append(
                entry(sequence, object(sequence), after: last.hash, hash: draft.expectedHash(after: last.hash)))
            last = entries[entries.count - 1].head
        }
        return entries
    }

    static func entry(_ sequence: Int64, _ object: String, after: [UInt8], hash: [UInt8]) -> AuditEntry {
        AuditEntry(
            sequence: sequence, at: UTCDate(seconds: sequence), actor: "person:1", credential: 1, requestID: nil,
            action: "change.drafted", team: nil, fleet: nil, object: object, detail: "{}", previousHash: after,
            hash: hash)
    }

    private func signed(_ head: AuditHead, release: Int64 = 1) throws -> SignedAuditHead {
        SignedAuditHead(head: head, fleet: try FleetName("demo"), release: release, issued: UTCDate(seconds: 0))
    }

    private func follow(_ entries: [AuditEntry], _ heads: [SignedAuditHead] = []) -> AuditChain {
        var trail = AuditTrail(heads: heads)
        for entry in entries { if let broken = trail.take(entry) { return AuditChain(trail, broken: broken) } }
        return AuditChain(trail, broken: trail.end(at: nil))
    }

    @Test func `a log that agrees with every signed head is whole, and says how far it is signed`() throws {
        let log = Self.log(5)
        let heads = [try signed(log[3].head, release: 2), try signed(log[1].head), try signed(.beginning)]
        let chain = follow(log, heads)
        #expect(chain.isIntact && chain.entries == 5)
        #expect(chain.countersigned == heads[0])
    }

    @Test func `a log rewritten as a whole disagrees with what a release has signed`() throws {
        let head = try signed(Self.log(5)[3].head, release: 7)
        let rewritten = Self.log(5) { $0 == 2 ? "C-99" : "C-\($0)" }
        #expect(follow(rewritten).isIntact)
        let chain = follow(rewritten, [head])
        #expect(chain.firstBroken == 4)
        #expect(chain.broken?.reason.contains("release 7 of fleet demo") == true)
    }

    @Test func `a log that ends before a signed head was cut off`() throws {
        let log = Self.log(5)
        let chain = follow(Array(log.prefix(3)), [try signed(log[4].head, release: 3)])
        #expect(chain.firstBroken == 4)
        #expect(chain.broken?.reason.contains("release 3 of fleet demo has signed entry 5") == true)
    }

    private func followPart(_ entries: [AuditEntry], _ heads: [SignedAuditHead] = []) -> (AuditTrail, String?) {
        var trail = AuditTrail(heads: heads, mayLack: true)
        for entry in entries { if let broken = trail.take(entry) { return (trail, broken.reason) } }
        return (trail, trail.end(at: nil, isWhole: false)?.reason)
    }

    @Test func `who reads a part is told how much is missing, and nothing that is wrong with the rest`() throws {
        let log = Self.log(9)
        let part = [log[1], log[4], log[5], log[7]]
        let (trail, broken) = followPart(part, [try signed(log[3].head), try signed(log[8].head, release: 2)])
        #expect(broken == nil && trail.entries == 4 && trail.unread == 4 && trail.last.sequence == 8)
        #expect(follow(part).broken?.reason.contains("entry 1 is missing") == true)
    }

    @Test func `in a part, too, an entry says what its hash says, and agrees with its neighbours and signed heads`()
        throws
    {
        let log = Self.log(9)
        let altered = Self.entry(5, "C-99", after: log[4].previousHash, hash: log[4].hash)
        #expect(followPart([log[1], altered]).1?.contains("entry 5 says something else") == true)
        let other = Self.log(9) { $0 == 1 ? "C-99" : "C-\($0)" }
        #expect(followPart([log[1], log[4], other[5]]).1?.contains("was not made after entry 5") == true)
        #expect(followPart([log[4], log[2]]).1 != nil)
        let head = try signed(log[3].head, release: 7)
        #expect(followPart([other[4]], [head]).1?.contains("release 7 of fleet demo has signed") == true)
        #expect(followPart([other[3]], [head]).1?.contains("release 7 of fleet demo has signed") == true)
    }

    @Test func `entries after the last signed head can be cut off unseen`() throws {
        let log = Self.log(5)
        let chain = follow(Array(log.prefix(3)), [try signed(log[2].head)])
        #expect(chain.isIntact && chain.countersigned?.head == log[2].head)
    }

    @Test func `two entries that changed places are found`() {
        var log = Self.log(5)
        log.swapAt(2, 3)
        #expect(follow(log).firstBroken == 3)
    }

    @Test func `a part of a log is followed from the entry before it, and heads before that say nothing`() throws {
        let log = Self.log(5)
        var trail = AuditTrail(after: log[1].head, heads: [try signed(log[0].head), try signed(log[3].head)])
        for entry in log.dropFirst(2) { #expect(trail.take(entry) == nil) }
        #expect(trail.end(at: nil, isWhole: false) == nil)
        #expect(trail.countersigned?.head == log[3].head)
    }

    @Test func `a part that does not begin where a head was signed is found out`() throws {
        let log = Self.log(5)
        let forged = Self.log(5) { "C-\($0 + 1)" }
        var trail = AuditTrail(after: forged[1].head, heads: [try signed(log[1].head)])
        #expect(trail.take(forged[2]) != nil)
    }

    @Test func `the head is read strictly from what it writes`() throws {
        let head = AuditHead(sequence: 7, hash: [UInt8](repeating: 9, count: 32))
        #expect(try AuditHead(head.json) == head)
        for json: JSON in [
            ["hash": "00", "sequence": 7], ["sequence": 7],
            ["hash": head.json.objectOrNil?["hash"] ?? .null, "sequence": -1],
            [:], "7",
        ] {
            #expect(throws: (any Error).self) { try AuditHead(json) }
        }
    }
}
