import Glibc

/// The memory of this process, which holds PINs, passphrases and keys.
package enum ProcessMemory {
    /// Keeps it out of core files; programs that are started later inherit that.
    package static func forbidCoreFiles() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = unsafe setrlimit(coreFileSize, &none)
    }

    /// RLIMIT_CORE, which the C library's module gives in another type.
    private static let coreFileSize = __rlimit_resource_t(4)
}
