import Codecs
import Glibc

/// Where time enters the program: everything below takes it as an argument.
enum SystemClock {
    static func now() -> UTCDate {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UTCDate(seconds: Int64(time.tv_sec))
    }
}
