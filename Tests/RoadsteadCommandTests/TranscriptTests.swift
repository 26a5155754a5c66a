import Foundation
import TestVectors
import Testing

/// The program itself, command by command.
@Suite struct TranscriptTests {
    @Test(arguments: Transcript.names)
    func `a command says and does what its transcript says`(_ name: String) async throws {
        let transcript = try Transcript(name)
        try await CommandFixture.with { fixture in
            for step in transcript.steps {
                let command = step.command.replacing("DIGEST", with: fixture.digest)
                let outcome = try fixture.run(command)
                let output = lines(String(decoding: outcome.output, as: UTF8.self), fixture)
                let errors = lines(outcome.text, fixture)
                let actual = "\(command)\nexit \(outcome.status)\n" + (output + errors).joined(separator: "\n")
                guard !step.isPreparation else {
                    #expect(outcome.status == 0, "\(actual)")
                    continue
                }
                #expect(outcome.status == step.status, "\(actual)")
                #expect(Transcript.matches(output, step.output), "\(actual)")
                #expect(Transcript.matches(errors, step.errors), "\(actual)")
            }
        }
    }

    @Test func `there are transcripts`() { #expect(Transcript.names.count >= 15) }

    private func lines(_ text: String, _ fixture: CommandFixture) -> [String] {
        text.split(separator: "\n").map { String($0.replacing(fixture.digest, with: "DIGEST")) }
    }
}
