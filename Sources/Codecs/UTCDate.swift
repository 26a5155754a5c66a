/// A moment in whole seconds of UTC, the only form of time in anything that is signed or stored. [RFC 3339 §5.6, TUF §4.2]
package struct UTCDate: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    package let seconds: Int64

    /// The first and the last moment that have a form of twenty characters.
    package static let earliest = UTCDate(unchecked: -62_135_596_800)
    package static let latest = UTCDate(unchecked: 253_402_300_799)

    /// Clamps to the years 1 to 9999.
    package init(seconds: Int64) {
        self.seconds = Swift.min(Swift.max(seconds, Self.earliest.seconds), Self.latest.seconds)
    }

    private init(unchecked seconds: Int64) { self.seconds = seconds }

    package init?(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= Self.days(inMonth: month, year: year),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else { return nil }
        let days = Self.daysSinceEpoch(year: year, month: month, day: day)
        self.seconds = Int64(((days * 24 + hour) * 60 + minute) * 60 + second)
    }

    /// Takes exactly `YYYY-MM-DDTHH:MM:SSZ` and only real dates.
    package init(_ text: String) throws(CodecError) {
        let bytes = Array(text.utf8)
        let shape = Array("####-##-##T##:##:##Z".utf8)
        let digit = UInt8(ascii: "0")...UInt8(ascii: "9")
        let fits =
            bytes.count == shape.count
            && zip(bytes, shape).allSatisfy { $1 == UInt8(ascii: "#") ? digit.contains($0) : $0 == $1 }
        guard fits else {
            throw CodecError(.syntax, "a date is not of the form 2026-11-20T08:30:00Z")
        }
        func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 * 10 + Int($1 - digit.lowerBound) } }
        guard
            let date = UTCDate(
                year: number(0..<4), month: number(5..<7), day: number(8..<10),
                hour: number(11..<13), minute: number(14..<16), second: number(17..<19))
        else { throw CodecError(.value, "the date \(text) does not exist") }
        self = date
    }

    package var description: String {
        let days = Int(seconds.floorDivided(by: 86_400))
        let rest = Int(seconds - Int64(days) * 86_400)
        let (year, month, day) = Self.calendarDate(daysSinceEpoch: days)
        func padded(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: Swift.max(0, width - text.utf8.count)) + text
        }
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        return "\(date)T\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))Z"
    }

    package static func < (lhs: UTCDate, rhs: UTCDate) -> Bool { lhs.seconds < rhs.seconds }

    /// Moves by a number of seconds and stays within the years 1 to 9999.
    package func adding(seconds more: Int64) -> UTCDate {
        let (sum, overflow) = seconds.addingReportingOverflow(more)
        return overflow ? (more < 0 ? .earliest : .latest) : UTCDate(seconds: sum)
    }

    package func adding(days: Int64) -> UTCDate {
        let (seconds, overflow) = days.multipliedReportingOverflow(by: 86_400)
        return overflow ? (days < 0 ? .earliest : .latest) : adding(seconds: seconds)
    }

    private static func days(inMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from the civil date, counted in eras of 400 years that begin in March.
    private static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func calendarDate(daysSinceEpoch days: Int) -> (year: Int, month: Int, day: Int) {
        let days = days + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}

extension UTCDate: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        do { try self.init(text) } catch { throw CodecError(.value, error.reason, hint: error.hint) }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
