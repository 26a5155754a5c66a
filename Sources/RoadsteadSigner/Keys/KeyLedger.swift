import Codecs
import ReleaseCriteria
import Synchronization

/// What a key signed: the memory behind its rates and approvals. It is rebuilt from the decision log at every start.
final class KeyLedger: Sendable {
    private struct State: UseRecord {
        var uses: [(at: UTCDate, caller: String)] = []
        var spent: Set<String> = []
        /// When so many uses are remembered, those that are too old are forgotten.
        var most = 4_096

        /// Not in order of time: clocks step back, and some requests take longer than others.
        func uses(since: UTCDate, by caller: String?) -> Int {
            uses.count { $0.at > since && (caller == nil || caller == $0.caller) }
        }

        func isSpent(_ approval: String) -> Bool { spent.contains(approval) }
    }

    /// What one decision took, so that it can be given back when nothing was signed.
    struct Reservation: Sendable {
        let decision: ReleaseDecision
        fileprivate let at: UTCDate
        fileprivate let caller: String
    }

    private let state = Mutex(State())
    /// How far back uses are remembered.
    private let period: Int64

    init(period: Int64) { self.period = period }

    /// Decides, and takes what the decision uses up, in one step: nobody signs in between.
    func reserve(_ judgement: Judgement, caller: String, now: UTCDate, dryRun: Bool) -> Reservation {
        state.withLock { state in
            let decision = judgement.decided(state)
            if decision.isAllowed, !dryRun {
                if period > 0 { state.uses.append((now, caller)) }
                state.spent.formUnion(decision.approvals)
                if state.uses.count >= state.most { forget(&state, now) }
            }
            return Reservation(decision: decision, at: now, caller: caller)
        }
    }

    /// Gives back what was taken for a signature that was never made.
    func release(_ reservation: Reservation) {
        state.withLock { state in
            state.spent.subtract(reservation.decision.approvals)
            let index = state.uses.lastIndex { $0.at == reservation.at && $0.caller == reservation.caller }
            if let index { state.uses.remove(at: index) }
        }
    }

    /// Takes in what the log says was signed.
    func remember(at: UTCDate, caller: String, approvals: [String], now: UTCDate) {
        state.withLock { state in
            if at > now.adding(seconds: -period) { state.uses.append((at, caller)) }
            state.spent.formUnion(approvals)
        }
    }

    private func forget(_ state: inout State, _ now: UTCDate) {
        let start = now.adding(seconds: -period)
        state.uses.removeAll { $0.at <= start }
        state.most = max(4_096, state.uses.count * 2)
    }
}
