import Foundation
import Migrations
import PostgresKit
import PostgresTesting
import Testing

@testable import RoadsteadStore

@Suite(.postgres) struct QueryTests {
    @Test func `every statement of the store can be prepared against the migrated schema`() async throws {
        let database = try #require(TestDatabase.current)
        try await database.withConnection(as: .owner) { connection in
            for statement in StatementList.all {
                do {
                    _ = try await connection.check(statement)
                } catch {
                    Issue.record("\(statement): \(String(reflecting: error))")
                }
            }
        }
    }

    @Test func `no statement of the store is missing from the list`() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources/RoadsteadStore")
        let names = try #require(FileManager.default.enumerator(atPath: sources.path)).compactMap { $0 as? String }
        var declared: Set<String> = []
        for name in names where name.hasSuffix(".swift") {
            let text = try String(contentsOf: sources.appending(path: name), encoding: .utf8)
            for match in text.matches(of: /struct (\w+): (?:Query|Statement)\b/) { declared.insert(String(match.1)) }
        }
        #expect(declared == Set(StatementList.all.map { "\($0)" }))
    }
}
