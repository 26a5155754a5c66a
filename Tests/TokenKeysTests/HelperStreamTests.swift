import Foundation
import SoftHSM
import Testing
import TokenWire

@testable import TokenKeys

/// What the helper does with a stream that no client of ours would send.
@Suite struct HelperStreamTests {
    /// Sends bytes to a new helper, closes the sending side, and gives what it answered and how it ended.
    private func answer(to bytes: [UInt8], closes: Bool = true) throws -> (output: [UInt8], status: Int32) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: products + "/roadstead-p11")
        process.arguments = ["--module", SoftHSM.module]
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let theirs = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        let ours = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        process.standardInput = theirs
        process.standardOutput = theirs
        try process.run()
        try theirs.close()
        try ours.write(contentsOf: bytes)
        if closes { shutdown(ends[0], Int32(SHUT_WR)) }
        // A helper that ends with bytes unread resets the stream.
        let output = (try? ours.readToEnd()) ?? Data()
        process.waitUntilExit()
        return (Array(output), process.terminationReason == .exit ? process.terminationStatus : -1)
    }

    private func failureCodes(_ output: [UInt8]) throws -> [String] {
        var rest = output[...]
        var codes: [String] = []
        while !rest.isEmpty {
            let count = try Frame.length(Array(rest.prefix(4)))
            let message = Array(rest.dropFirst(4).prefix(count))
            guard case .failure(let code, _, _) = try TokenResponse(message: message) else { return codes + ["done"] }
            codes.append(code)
            rest = rest.dropFirst(4 + count)
        }
        return codes
    }

    @Test func `nothing, half a header and half a message end it quietly`() throws {
        for bytes: [UInt8] in [[], [0, 0], [0, 0, 0, 9, 1, 2]] {
            let (output, status) = try answer(to: bytes)
            #expect(output.isEmpty && status == 0)
        }
    }

    @Test func `a frame that is too long, or of no length, ends it at once`() throws {
        for header: [UInt8] in [[0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0]] {
            let (output, status) = try answer(to: header + [1, 2, 3], closes: false)
            #expect(output.isEmpty && status == 0)
        }
    }

    @Test func `messages that make no sense are answered, and the next one is read`() throws {
        var bytes: [UInt8] = []
        for garbage: [UInt8] in [[99], [1], [1, 0, 0, 0, 200, 5], [6, 0, 0, 0, 0], [2, 0xFF, 0xFF, 0xFF, 0xFF]] {
            bytes += try Frame.encode(garbage)
        }
        bytes += try TokenRequest.find("pkcs11:object=k").frame()
        bytes += try TokenRequest.open("pkcs11:token=a?pin-value=1").frame()
        let (output, status) = try answer(to: bytes)
        #expect(try failureCodes(output) == ["wire", "wire", "wire", "wire", "wire", "wire", "uri"])
        #expect(status == 0)
    }

    @Test func `random bytes never crash it`() throws {
        for _ in 0..<10 {
            var bytes: [UInt8] = []
            for _ in 0..<20 {
                let garbage = (0..<Int.random(in: 1...80)).map { _ in UInt8.random(in: 0...255) }
                bytes += try Frame.encode([garbage[0] % 8] + garbage)
            }
            let (output, status) = try answer(to: bytes)
            #expect(status == 0)
            #expect(try failureCodes(output).count == 20)
        }
    }
}
