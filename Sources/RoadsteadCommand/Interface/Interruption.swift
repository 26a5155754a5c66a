import Glibc
import Synchronization

/// The user's wish to end: the first SIGINT or SIGTERM lets finish what is begun, the second ends the program at once.
enum Interruption {
    private static let asked = Atomic<Bool>(false)
    private static let words: StaticString =
        "roadstead: what is begun is finished, nothing else is begun; once more ends at once\n"

    static var isAsked: Bool { asked.load(ordering: .relaxed) }

    /// Takes the signals from now on.
    static func watch() {
        // Both constants are made before a signal can ask for them.
        _ = (isAsked, words)
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                signal(number, SIG_DFL)
                Interruption.asked.store(true, ordering: .relaxed)
                unsafe write(STDERR_FILENO, Interruption.words.utf8Start, Interruption.words.utf8CodeUnitCount)
            }
        }
    }
}
