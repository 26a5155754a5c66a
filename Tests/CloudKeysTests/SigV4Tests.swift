import Codecs
import Foundation
import KeyServices
import SigningKeys
import Testing

@testable import CloudKeys

@Suite struct SigV4Tests {
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    private static let folder = tests.appending(path: "Vectors/sigv4")

    @Test func `requests are signed as AWS's own library signs them`() throws {
        let text = try String(contentsOf: Self.folder.appending(path: "kms.jsonl"), encoding: .utf8)
        let lines = text.split(separator: "\n")
        try #require(lines.count == 4)
        for line in lines {
            let vector = try JSON(parsing: String(line)).object("vector")
            func string(_ name: String) throws -> String { try vector.string(name, in: "vector") }
            let credentials = AWSCredentials(
                id: try string("id"), secret: Secret(try string("secret")), session: vector["session"]?.stringOrNil)
            let signed = SigV4(credentials: credentials, region: try string("region"), service: "kms").signed(
                [
                    (name: "Content-Type", value: "application/x-amz-json-1.1"),
                    (name: "X-Amz-Target", value: "TrentService.\(try string("operation"))"),
                ], host: try string("host"), body: Array(try string("body").utf8), at: try UTCDate(string("date")))
            let expected = try string("authorization")
            #expect(signed.last?.name == "Authorization")
            #expect(signed.last?.value == expected)
        }
    }

    @Test func `the vectors are what AWS's own library makes today`() async throws {
        guard let python = try await KeyServicePython.withServers() else { return }
        let made = try run(python, [Self.folder.appending(path: "make.py").path])
        let kept = try String(contentsOf: Self.folder.appending(path: "kms.jsonl"), encoding: .utf8)
        #expect(made == kept)
    }

    @Test func `two more vectors, made and recomputed elsewhere, come out the same`() throws {
        let path = Self.tests.deletingLastPathComponent()
            .appending(path: "../shared/testbed/sigv4_kms_vector.txt").standardized.path
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            print("SKIPPED: no ../shared/testbed beside this repository, so its two vectors were not run")
            return
        }
        let cases = text.split(separator: "== session token ").map { $0.split(separator: "\n") }
        try #require(cases.count == 2)
        for lines in cases {
            let session = lines[0] == "None" ? nil : String(lines[0])
            let body = Array(lines[1].dropFirst("body ".count).utf8)
            let credentials = AWSCredentials(
                id: "AKIDEXAMPLE", secret: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), session: session)
            let signed = SigV4(credentials: credentials, region: "eu-central-1", service: "kms").signed(
                [
                    (name: "Content-Type", value: "application/x-amz-json-1.1"),
                    (name: "X-Amz-Target", value: "TrentService.Sign"),
                ], host: "kms.eu-central-1.amazonaws.com", body: body, at: try UTCDate("2015-08-30T12:36:00Z"))
            let authorization = try #require(signed.last?.value)
            #expect(lines[2].contains(authorization))
        }
    }

    private func run(_ python: URL, _ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = python
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return text
    }
}
