import TestSigning
import Testing

@testable import Envelopes

/// Envelopes damaged in thousands of ways: whatever comes of it, it is an answer and never a trap.
@Suite struct EnvelopeMutationTests {
    @Test(arguments: EnvelopeFormat.allCases)
    func `damage of any kind is answered`(_ format: EnvelopeFormat) async throws {
        let original = try await SigningFixture().sign(as: format)
        var generator = Steps(state: 1)
        for _ in 0..<4_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                default: bytes.removeLast(min(bytes.count - 1, place))
                }
                if bytes.isEmpty { bytes = [0] }
            }
            _ = try? UnverifiedEnvelope(parsing: bytes, format: format)
        }
    }

    /// The same numbers in every run. [splitmix64]
    private struct Steps: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }
}
