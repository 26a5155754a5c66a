import Glibc

/// The input of every run goes to the target that `FUZZ_TARGET` names; with `FUZZ_SEEDS` seeds are written instead.
private let selected = FuzzTarget.named(environment("FUZZ_TARGET"))

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// The program's entry: SwiftPM calls it instead of `main`, which libFuzzer brings itself.
@_cdecl("RoadsteadFuzz_main")
public func fuzzMain(_ count: Int32, _ arguments: UnsafeMutableRawPointer) -> Int32 {
    if let directory = environment("FUZZ_SEEDS") { return waiting { try await Seeds.write(to: directory) } ? 0 : 1 }
    guard selected != nil else {
        print("FUZZ_TARGET is one of: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
        return 2
    }
    var (count, arguments) = (count, arguments)
    return runDriver(&count, &arguments) { bytes, size in
        selected?.run(Array(UnsafeBufferPointer(start: bytes, count: size)))
        return 0
    }
}

func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// A parser and what must hold for whatever it takes in.
struct FuzzTarget: Sendable {
    let name: String
    let run: @Sendable ([UInt8]) -> Void

    static let all = [
        json, certificate, crl, cbor, envelope, timestamp, reference, policy, join, token, metadata, workflow,
        evidence,
    ]

    static func named(_ name: String?) -> FuzzTarget? { all.first { $0.name == name } }
}
