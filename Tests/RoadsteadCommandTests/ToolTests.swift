import TestVectors
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

@Suite struct ProgramMemoryTests {
    @Test func `the program leaves no core file with a passphrase in it`() async throws {
        try await CommandFixture.with { fixture in
            let outcome = try fixture.run(
                """
                mkfifo passphrase
                ulimit -S -c "$(ulimit -H -c)"
                roadstead key generate --out core.key --passphrase-fd 3 3<>passphrase &
                for try in $(seq 200); do
                    grep -q 'Max core file size  *0  *0 ' /proc/$!/limits && break
                    sleep 0.05
                done
                grep 'Max core file size' /proc/$!/limits
                kill $!
                """)
            let limits = String(decoding: outcome.output, as: UTF8.self)
            #expect(limits.contains(#/Max core file size +0 +0 /#), "\(limits)\(outcome.text)")
        }
    }
}
