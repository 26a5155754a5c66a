import Foundation
import Testing
import TokenWire

@testable import TokenKeys

@Suite struct HelperSocketTests {
    private static let request = [UInt8](repeating: 1, count: 40)
    private static let answer = [UInt8](repeating: 2, count: 100)

    /// The other end of a socket: answers each request in pieces, each after a pause.
    private func answer(_ end: Int32, _ plans: [[(pause: useconds_t, bytes: ArraySlice<UInt8>)]]) {
        Thread.detachNewThread {
            defer { close(end) }
            for plan in plans {
                var received = [UInt8](repeating: 0, count: Self.request.count)
                guard recv(end, &received, received.count, Int32(MSG_WAITALL)) == received.count else { return }
                for (pause, bytes) in plan {
                    usleep(pause)
                    _ = Array(bytes).withUnsafeBytes { send(end, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                }
            }
            // Whoever waits for more has a deadline.
            usleep(500_000)
        }
    }

    @Test func `an answer is whole however it comes, after quick ones and after slow ones`() async throws {
        let frame = try Frame.encode(Self.answer)
        let (ours, theirs) = try HelperSocket.pair()
        let atOnce = [(useconds_t(0), frame[...])]
        answer(
            theirs,
            [
                atOnce, atOnce, [(0, frame[..<2]), (2_000, frame[2..<50]), (2_000, frame[50...])],
                [(5_000, frame[...])],
                atOnce, [(0, frame[..<4]), (0, frame[4...])], atOnce,
            ])
        for _ in 0..<7 { #expect(try await ours.exchange(Self.request, within: .seconds(10)) == Self.answer) }
    }

    @Test func `half an answer after quick ones meets the deadline, and so does one of no known length`() async throws {
        for bad in [Array(try Frame.encode(Self.answer).prefix(50)), [0xFF, 0xFF, 0xFF, 0xFF, 0]] {
            let frame = try Frame.encode(Self.answer)
            let (ours, theirs) = try HelperSocket.pair()
            answer(theirs, [[(0, frame[...])], [(0, frame[...])], [(0, bad[...])]])
            for _ in 0..<2 { _ = try await ours.exchange(Self.request, within: .seconds(10)) }
            let error = await failure { _ = try await ours.exchange(Self.request, within: .milliseconds(100)) }
            #expect(error?.code == (bad[0] == 0xFF ? .wire : .deadline))
        }
    }

    @Test func `a helper that ends after quick answers is said to have ended`() async throws {
        let frame = try Frame.encode(Self.answer)
        let (ours, theirs) = try HelperSocket.pair()
        answer(theirs, [[(0, frame[...])], [(0, frame[...])]])
        for _ in 0..<2 { _ = try await ours.exchange(Self.request, within: .seconds(10)) }
        let error = await failure { _ = try await ours.exchange(Self.request, within: .seconds(10)) }
        #expect(error?.code == .crashed)
    }
}
