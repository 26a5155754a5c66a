package import Codecs
import Glibc

/// The one place of the agent that reads the clock; everything below takes the time as an argument.
package enum SystemClock {
    package static var now: UTCDate {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return .earliest }
        return UTCDate(seconds: Int64(time.tv_sec))
    }
}
