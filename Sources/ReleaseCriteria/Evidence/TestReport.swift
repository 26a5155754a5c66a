package import Codecs

/// What an in-toto test result says. [in-toto test-result v0.1]
package struct TestReport: Sendable {
    package let result: String
    package let passed: Set<String>
    package let failed: Set<String>
    package let finished: UTCDate?

    package static let type = "https://in-toto.io/attestation/test-result/v0.1"

    package init(_ statement: Statement) throws(CriteriaError) {
        let predicate = statement.predicate
        do throws(CodecError) {
            result = try predicate.string("result", in: "predicate")
            passed = try Self.names(predicate["passedTests"])
            failed = try Self.names(predicate["failedTests"])
            finished = try PredicateTime.read("finishedOn", of: predicate)
        } catch {
            throw CriteriaError(.predicate, "the test result: \(error.reason)")
        }
    }

    private static func names(_ list: JSON?) throws(CodecError) -> Set<String> {
        var names: Set<String> = []
        for name in try list?.array("predicate.…Tests") ?? [] { names.insert(try name.string("a test's name")) }
        return names
    }
}
