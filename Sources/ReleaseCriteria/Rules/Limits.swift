package import Codecs

/// Hours of the week, in UTC, in which a key signs.
package struct TimeWindow: Sendable, Decodable, CustomStringConvertible {
    package enum Day: String, Sendable, Decodable, CaseIterable { case mon, tue, wed, thu, fri, sat, sun }

    let days: [Day]
    /// `HH:MM`; the last minute is `24:00`. A window over midnight is two.
    let from: String
    let until: String

    func contains(_ moment: UTCDate) -> Bool {
        guard let from = Self.minute(from), let until = Self.minute(until) else { return false }
        let second = ((moment.seconds % 86_400) + 86_400) % 86_400
        let dayNumber = (moment.seconds - second) / 86_400
        // 1970 began on a Thursday.
        let day = Day.allCases[Int(((dayNumber + 3) % 7 + 7) % 7)]
        return days.contains(day) && (from * 60..<until * 60).contains(Int(second))
    }

    package var description: String { "\(days.map(\.rawValue).joined(separator: ",")) \(from)-\(until)" }

    var isPossible: Bool {
        guard let from = Self.minute(from), let until = Self.minute(until) else { return false }
        return !days.isEmpty && from < until
    }

    /// Minutes since midnight.
    private static func minute(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"),
            [0, 1, 3, 4].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[$0]) })
        else { return nil }
        let hours = Int(bytes[0] - 48) * 10 + Int(bytes[1] - 48)
        let minutes = Int(bytes[3] - 48) * 10 + Int(bytes[4] - 48)
        return minutes < 60 && hours * 60 + minutes <= 1_440 ? hours * 60 + minutes : nil
    }
}

/// How many signatures a key, or one caller with it, may make in a period.
package struct UseLimit: Sendable, Decodable {
    package enum Party: String, Sendable, Decodable { case key, caller }

    package let count: Int
    package let seconds: Int64
    package let per: Party

    func finding(_ request: ReleaseRequest, _ record: some UseRecord) -> CriterionFinding {
        let uses = record.uses(
            since: request.now.adding(seconds: -seconds), by: per == .caller ? request.caller : nil)
        return CriterionFinding(
            "rate.\(per.rawValue)", wanted: "at most \(count) in \(seconds) s", found: "\(uses) before this one",
            holds: uses < count)
    }
}

/// What a key did before: the memory that rates and approvals that are good once depend on.
package protocol UseRecord {
    /// Signatures after a moment, of one caller or of all.
    func uses(since: UTCDate, by caller: String?) -> Int
    func isSpent(_ approval: String) -> Bool
}

/// A registry or the beginning of a repository's path, compared by whole segments.
package struct RepositoryPrefix: Sendable, Decodable {
    package let text: String

    package init(from decoder: any Decoder) throws { text = try decoder.singleValueContainer().decode(String.self) }

    /// Whether it names a registry, or something in it.
    package func lies(in registry: String) -> Bool {
        text.utf8.split(separator: 0x2F, maxSplits: 1).first.map { $0.elementsEqual(registry.utf8) } ?? false
    }

    package func covers(_ repository: String) -> Bool {
        let (mine, theirs) = (text.utf8.split(separator: 0x2F), repository.utf8.split(separator: 0x2F))
        return !mine.isEmpty && theirs.count >= mine.count && zip(mine, theirs).allSatisfy { $0.elementsEqual($1) }
    }
}
