/// Follows an audit log entry by entry and stops at the first thing that is wrong with it. Nothing but its last entry
/// and the signed heads is kept, so a log of any length can be followed.
package struct AuditTrail: Sendable {
    /// What is wrong, and at which entry.
    package struct Break: Sendable, Equatable {
        package let sequence: Int64
        package let reason: String

        package init(sequence: Int64, reason: String) {
            self.sequence = sequence
            self.reason = reason
        }
    }

    /// The last good entry.
    package private(set) var last: AuditHead
    /// The last signed head that the log agrees with.
    package private(set) var countersigned: SignedAuditHead?
    package private(set) var entries: Int64 = 0
    /// Entries before the last that were not there to be looked at.
    package private(set) var unread: Int64 = 0
    /// Whether entries may be missing because they are not the reader's to see.
    private let mayLack: Bool
    /// Heads that are yet to come, the next one last.
    private var pending: [SignedAuditHead]

    /// - Parameters:
    ///   - beginning: what the first entry must follow: the beginning of the log, or of a part of it.
    ///   - mayLack: whether entries in between may not be the reader's to see. Of what is missing then nothing can be told.
    package init(after beginning: AuditHead = .beginning, heads: [SignedAuditHead] = [], mayLack: Bool = false) {
        self.mayLack = mayLack
        last = beginning
        // Heads from before the part that is followed say nothing about it.
        pending = heads.filter { $0.head.sequence >= beginning.sequence }.sorted { $0.head.sequence > $1.head.sequence }
    }

    /// Takes the next entry; nil when it is as it must be.
    package mutating func take(_ entry: AuditEntry) -> Break? {
        if mayLack { pass(to: entry) }
        if let broken = checkHeads() { return broken }
        guard entry.sequence == last.sequence + 1 else {
            return Break(
                sequence: last.sequence + 1,
                reason: "entry \(last.sequence + 1) is missing: entry \(entry.sequence) comes after \(last.sequence)")
        }
        guard entry.previousHash == last.hash else {
            return Break(
                sequence: entry.sequence, reason: "entry \(entry.sequence) was not made after entry \(last.sequence)")
        }
        guard entry.hash == entry.expectedHash(after: last.hash) else {
            return Break(sequence: entry.sequence, reason: "entry \(entry.sequence) says something else than its hash")
        }
        last = entry.head
        entries += 1
        return checkHeads()
    }

    /// Whether the log ends where it must.
    ///
    /// - Parameters:
    ///   - head: where the log says that it ends; nil for a part of one.
    ///   - isWhole: whether heads beyond the end show that something was cut off.
    package func end(at head: AuditHead?, isWhole: Bool = true) -> Break? {
        if isWhole, let beyond = pending.first, beyond.head.sequence > last.sequence {
            return Break(
                sequence: last.sequence + 1,
                reason:
                    "the log ends at entry \(last.sequence), and release \(beyond.release) of fleet \(beyond.fleet) "
                    + "has signed entry \(beyond.head.sequence)")
        }
        guard let head, head != last else { return nil }
        return Break(
            sequence: min(head.sequence, last.sequence) + 1,
            reason: "the log ends at entry \(last.sequence), and its head names entry \(head.sequence)")
    }

    /// Goes on behind entries that are not there; what the next one says of the last of them is held against signed heads.
    private mutating func pass(to entry: AuditEntry) {
        guard entry.sequence > last.sequence + 1, entry.previousHash.count == AuditHead.hashBytes else { return }
        unread += entry.sequence - 1 - last.sequence
        last = AuditHead(sequence: entry.sequence - 1, hash: entry.previousHash)
        pending.removeAll { $0.head.sequence < last.sequence }
    }

    private mutating func checkHeads() -> Break? {
        while let next = pending.last, next.head.sequence == last.sequence {
            guard next.head.hash == last.hash else {
                return Break(
                    sequence: last.sequence,
                    reason: "entry \(last.sequence) is another than the one that release \(next.release) of fleet "
                        + "\(next.fleet) has signed")
            }
            if next.head.sequence > 0 { countersigned = next }
            pending.removeLast()
        }
        return nil
    }
}

/// Whether the audit log is whole.
package struct AuditChain: Sendable, Equatable {
    /// Entries that were found good.
    package let entries: Int64
    /// The last good entry.
    package let head: AuditHead
    /// The last signed head that the log agrees with; what came after it is bound by nothing outside of the database.
    package let countersigned: SignedAuditHead?
    /// The first thing that is wrong; nil when all is well.
    package let broken: AuditTrail.Break?

    package init(_ trail: AuditTrail, broken: AuditTrail.Break?) {
        entries = trail.entries
        head = trail.last
        countersigned = trail.countersigned
        self.broken = broken
    }

    /// The same log, with what is wrong beside it.
    package init(_ chain: AuditChain, broken: AuditTrail.Break) {
        entries = chain.entries
        head = chain.head
        countersigned = chain.countersigned
        self.broken = broken
    }

    package var isIntact: Bool { broken == nil }
    package var firstBroken: Int64? { broken?.sequence }
}
