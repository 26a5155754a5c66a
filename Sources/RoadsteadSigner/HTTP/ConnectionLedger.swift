import Synchronization

/// Counts open connections, all together and by where they come from.
final class ConnectionLedger: Sendable {
    private let perOrigin: Int
    private let total: Int
    private let open = Mutex<(origins: [StrangerLimiter.Origin: Int], all: Int)>(([:], 0))

    init(perOrigin: Int, total: Int) { (self.perOrigin, self.total) = (perOrigin, total) }

    /// Whether one more is taken; `leave` gives it back.
    func enter(_ origin: StrangerLimiter.Origin) -> Bool {
        open.withLock { open in
            guard open.all < total, open.origins[origin, default: 0] < perOrigin else { return false }
            open.origins[origin, default: 0] += 1
            open.all += 1
            return true
        }
    }

    func leave(_ origin: StrangerLimiter.Origin) {
        open.withLock { open in
            open.all -= 1
            let left = open.origins[origin, default: 1] - 1
            open.origins[origin] = left > 0 ? left : nil
        }
    }
}
