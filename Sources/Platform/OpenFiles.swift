#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files and sockets that a process may have open.
public enum OpenFiles {
    /// How many this process may have open at once (RLIMIT_NOFILE, the soft one).
    public static var limit: Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let result = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
            let result = getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        // It fails for resources that do not exist only.
        return result == 0 ? Int(clamping: limit.rlim_cur) : .max
    }
}
