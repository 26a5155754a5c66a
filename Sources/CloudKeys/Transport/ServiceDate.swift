import Codecs

/// The forms in which services write times.
enum ServiceDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// A time of a `Date` header: `Sun, 06 Nov 1994 08:49:37 GMT`. [RFC 9110 §5.6.7]
    static func header(_ text: String) -> UTCDate? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]),
            let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3])
        else { return nil }
        let time = parts[4].split(separator: ":").compactMap { Int($0) }
        guard time.count == 3 else { return nil }
        return UTCDate(year: year, month: month + 1, day: day, hour: time[0], minute: time[1], second: time[2])
    }

    /// `2026-01-02T03:04:05Z`, with a fraction that does not count.
    static func iso(_ text: String) -> UTCDate? {
        guard let point = text.firstIndex(of: "."), text.hasSuffix("Z") else { return try? UTCDate(text) }
        return try? UTCDate(text[..<point] + "Z")
    }
}
