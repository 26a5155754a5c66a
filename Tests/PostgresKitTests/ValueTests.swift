import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import Problems
import Testing

@Suite(.emptyPostgres)
struct ValueTests {
    @Test func `every type comes back as it was bound`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let bytes = (0...255).map { UInt8($0) }
            let date = try UTCDate("1969-12-31T23:59:59Z")
            let row = try await connection.rows(
                "SELECT $1::text AS text, $2 AS int, $3 AS bool, $4 AS bytes, $5 AS date, $6::jsonb AS json",
                [
                    .text("naïve \u{1F6A2}"), .int(Int64.min), .bool(true), .bytes(bytes), .date(date),
                    .text(#"{"a": 1}"#),
                ])[0]
            #expect(try row.value("text") == "naïve \u{1F6A2}")
            #expect(try row.value("int") == Int64.min)
            #expect(try row.value("bool") == true)
            #expect(try row.value("bytes") == bytes)
            #expect(try row.value("date") == date)
            #expect(try row.value("json") == #"{"a": 1}"#)
        }
    }

    @Test func `NULL goes in and comes out, and empty values are not NULL`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let row = try await connection.rows(
                """
                SELECT $1::text AS text, $2 AS int, $3 AS bool, $4 AS bytes, $5 AS date,
                       $6::text AS no_text, $7 AS no_bytes
                """,
                [
                    .text(nil), .int(Int64?.none), .bool(nil), .bytes(nil), .date(nil), .text(""), .bytes([]),
                ])[0]
            #expect(try row.value("text", as: String?.self) == nil)
            #expect(try row.value("int", as: Int64?.self) == nil)
            #expect(try row.value("bool", as: Bool?.self) == nil)
            #expect(try row.value("bytes", as: [UInt8]?.self) == nil)
            #expect(try row.value("date", as: UTCDate?.self) == nil)
            #expect(try row.value("no_text", as: String?.self) == "")
            #expect(try row.value("no_bytes", as: [UInt8]?.self) == [])
        }
    }

    @Test func `arrays serve ANY and unnest`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let found = try await connection.rows(
                "SELECT n FROM generate_series(1::bigint, 9) AS n WHERE n = ANY($1)", [.ints([2, 7, 11])])
            #expect(try found.map { try $0.value("n", as: Int64.self) } == [2, 7])
            let rows = try await connection.rows(
                "SELECT t, b, d FROM unnest($1, $2, $3) AS u(t, b, d)",
                [
                    .texts(["a\"b", nil, ""]), .byteArrays([[0, 255], [], nil]),
                    .dates([UTCDate(seconds: 0), nil, UTCDate(seconds: 1)]),
                ])
            #expect(try rows.map { try $0.value("t", as: String?.self) } == ["a\"b", nil, ""])
            #expect(try rows.map { try $0.value("b", as: [UInt8]?.self) } == [[0, 255], [], nil])
            #expect(try rows.map { try $0.value("d", as: UTCDate?.self)?.seconds } == [0, nil, 1])
        }
    }

    @Test func `arrays come back`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let row = try await connection.rows(
                "SELECT $1 AS texts, $2 AS bytes, $3 AS none, $4 AS bools",
                [.texts(["x", ""]), .byteArrays([[1], []]), .ints([]), .bools([true, false])])[0]
            #expect(try row.value("texts") == ["x", ""])
            #expect(try row.value("bytes") == [[1], []] as [[UInt8]])
            #expect(try row.value("none") == [] as [Int64])
            #expect(try row.value("bools") == [true, false])
        }
    }

    @Test func `a moment between two seconds lies in the earlier one`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let row = try await connection.rows(
                "SELECT '1960-01-01T00:00:00.75Z'::timestamptz AS old, '2026-01-01T00:00:00.75Z'::timestamptz AS new")[
                    0]
            #expect(try row.value("old", as: UTCDate.self).description == "1960-01-01T00:00:00Z")
            #expect(try row.value("new", as: UTCDate.self).description == "2026-01-01T00:00:00Z")
        }
    }

    @Test(arguments: [
        "SELECT 'infinity'::timestamptz AS x", "SELECT NULL::timestamptz AS x", "SELECT '1'::text AS x",
        "SELECT now()::date AS x", "SELECT now() AS y", "SELECT '10000-01-01T00:00:00Z'::timestamptz AS x",
    ])
    func `what is no date is refused with the column's name`(sql: String) async throws {
        try await database().withConnection(as: .owner) { connection in
            let rows = try await connection.rows(running: sql, [])
            let error = #expect(throws: PostgresError.self) { try rows[0].value("x", as: UTCDate.self) }
            #expect(error?.code == .column)
            #expect(error?.description.contains("\"x\"") == true)
        }
    }

    @Test func `text that the domain refuses is an error that names the column and hides the value`() async throws {
        struct Refused: Error {}
        try await database().withConnection(as: .owner) { connection in
            let row = try await connection.rows("SELECT 'sesame'::text AS slug")[0]
            let error = #expect(throws: PostgresError.self) {
                try row.value("slug") { (_: String) throws -> Int in throw Refused() }
            }
            #expect(error?.description.contains("\"slug\"") == true)
            #expect(error?.description.contains("sesame") == false)
        }
    }

    @Test func `text with a NUL byte is refused before it is sent`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let error = try await failure { try await connection.rows("SELECT $1::text", [.text("a\0b")]) }
            #expect(error.code == .binding)
            let found = try await connection.rows("SELECT 1 AS one").count
            #expect(found == 1)
        }
    }

    @Test func `quotes in a value stay a value`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let evil = "'; DROP TABLE x; --"
            let found: String = try await connection.rows("SELECT $1::text AS t", [.text(evil)])[0].value("t")
            #expect(found == evil)
        }
    }
}
