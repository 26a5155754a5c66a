import Glibc
import SigningKeys
import TokenLoop

/// The loop in C, in this process.
enum Loop {
    struct Failure: Error, CustomStringConvertible { let description: String }

    private static let digest = HashAlgorithm.sha256.digest(of: Bench.message)

    static func open(_ bench: Bench) throws {
        try check(token_loop_open(bench.module, "roadstead", bench.pin))
    }

    static func choose(_ subject: Subject) throws {
        let mechanism = subject.isRSA ? TOKEN_LOOP_PSS_SHA256 : TOKEN_LOOP_ECDSA
        try check(token_loop_choose(subject.label, Int32(mechanism)))
    }

    /// How many microseconds each signature took.
    static func sign(_ count: Int) throws -> [Double] {
        var times = [UInt64](repeating: 0, count: count)
        try check(token_loop_sign(digest, &times, count))
        return times.map { Double($0) / 1_000 }
    }

    /// Signatures a second.
    static func rate(_ count: Int, threads: Int) throws -> Double {
        var time: UInt64 = 0
        try check(token_loop_sign_threads(digest, count, Int32(threads), &time))
        return Double(count * threads) * 1e9 / Double(time)
    }

    private static func check(_ failure: UnsafePointer<CChar>?) throws {
        if let failure { throw Failure(description: String(cString: failure)) }
    }

    private static func check(_ value: UInt) throws {
        guard value == 0 else { throw Failure(description: "the module returned 0x\(String(value, radix: 16))") }
    }
}

/// How long processors worked, in seconds.
enum Processors {
    static func used() -> Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

    static func used(by process: Int32) -> Double {
        var clock: clockid_t = 0
        return clock_getcpuclockid(process, &clock) == 0 ? seconds(clock) : 0
    }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
