import Testing

@testable import RoadsteadCommand

/// Programs that are asked for secrets may hang, fail, or say too much.
@Suite struct ToolTests {
    @Test func `what a program prints is its answer`() throws {
        #expect(try Tool.output(["printf", "secret\\n"]) == Array("secret\n".utf8))
    }

    @Test func `a program that hangs is ended at the deadline`() {
        let start = ContinuousClock.now
        let error = #expect(throws: CommandError.self) {
            try Tool.output(["sleep", "30"], within: .milliseconds(300))
        }
        #expect(error?.reason.contains("did not answer") == true)
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test(arguments: [["false"], ["no-such-program-anywhere"], ["head", "-c", "100000", "/dev/zero"]])
    func `a program that fails, is missing, or says too much gives no secret`(words: [String]) {
        #expect(throws: CommandError.self) { try Tool.output(words, within: .seconds(20)) }
    }
}
