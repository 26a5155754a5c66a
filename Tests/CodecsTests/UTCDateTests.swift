import Codecs
import Testing

@Suite struct `UTC dates` {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-22T12:54:21Z", 1_795_352_061), ("2000-02-29T23:59:59Z", 951_868_799),
            ("1969-12-31T23:59:59Z", -1), ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
        ] as [(String, Int64)])
    func `a date and its seconds are one`(text: String, seconds: Int64) throws {
        #expect(try UTCDate(text).seconds == seconds)
        #expect(UTCDate(seconds: seconds).description == text)
    }

    @Test(arguments: [
        "2090-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z", "0000-01-01T00:00:00Z",
    ])
    func `a date that does not exist is refused`(text: String) {
        #expect(throws: CodecError(.value, "")) { try UTCDate(text) }
    }

    @Test(arguments: [
        "2026-01-01T00:00:00+02:00", " 2026-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "2026-01-01T00:00:00Zjunk",
        "2090-1-1T0:0:0Z", "2026-01-01T00:00:00.0Z", "2026-01-01t00:00:00z", "2026-01-01 00:00:00Z", "",
        "２026-01-01T00:00:0Z",
    ])
    func `any other form is refused`(text: String) {
        #expect(throws: CodecError(.syntax, "")) { try UTCDate(text) }
    }

    @Test func `sums stay within the years that can be written`() {
        #expect(UTCDate.latest.adding(days: .max) == .latest)
        #expect(UTCDate.earliest.adding(seconds: .min) == .earliest)
        #expect(UTCDate(seconds: 0).adding(days: 1).description == "1970-01-02T00:00:00Z")
    }

    @Test func `days from the year 1 to 2370 survive the round trip`() throws {
        for day in stride(from: -719_162 as Int64, to: 146_097, by: 17) {
            let date = UTCDate(seconds: day * 86_400)
            guard try UTCDate(date.description) == date else {
                Issue.record("day \(day) became \(date)")
                return
            }
        }
    }
}
