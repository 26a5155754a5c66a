import Glibc
import Synchronization

/// The user's wish to end: the first SIGINT or SIGTERM lets finish what is begun, a later one ends the program at once.
enum Interruption {
    /// When it was first asked, in milliseconds of the machine's running; 0 before.
    private static let asked = Atomic<Int64>(0)
    /// What comes so soon after the first is the same wish: some programs signal a process and its group.
    private static let same: Int64 = 500
    private static let words: StaticString =
        "roadstead: what is begun is finished, nothing else is begun; once more ends at once\n"

    static var isAsked: Bool { asked.load(ordering: .relaxed) != 0 }

    /// Takes the signals from now on.
    static func watch() {
        // The constants are made before a signal can ask for them.
        _ = (isAsked, same, words)
        for number in [SIGINT, SIGTERM] { signal(number) { Interruption.ask($0) } }
    }

    /// Runs in the handler of a signal: nothing here allocates or locks.
    private static func ask(_ number: Int32) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let now = Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
        let (isFirst, first) = asked.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        if isFirst {
            unsafe write(STDERR_FILENO, words.utf8Start, words.utf8CodeUnitCount)
        } else if now - first > same {
            signal(number, SIG_DFL)
            raise(number)
        }
    }
}
