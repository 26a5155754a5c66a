internal import CLibPQ
import Glibc

/// A descriptor that one thread polls and another rings.
final class WakeUp: Sendable {
    let descriptor: Int32

    init() { descriptor = roadstead_wake_open() }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func ring() { _ = roadstead_wake_ring(descriptor) }
}
