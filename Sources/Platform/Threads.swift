#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Threads of one's own.
package enum Threads {
    /// Runs `body` on a new thread; false where the system gives none.
    ///
    /// - Parameter niceness: What the thread's claim to a processor is lowered by, 0 to 19. Only
    ///   Linux gives each thread its own (setpriority(2), "C library/kernel differences");
    ///   elsewhere it is left out, since it would concern the whole process.
    package static func start(niceness: Int = 0, _ body: @escaping @Sendable () -> Void) -> Bool {
        let start = Unmanaged.passRetained(Start(niceness: niceness, body: body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let result = pthread_create(
            &thread, nil,
            { argument in
                #if canImport(Darwin)
                    Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                #else
                    // The argument is the one given below, never nil.
                    guard let argument else { return nil }
                    Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                #endif
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            start.release()
            return false
        }
        #if canImport(Darwin)
            if let thread { pthread_detach(thread) }
        #else
            pthread_detach(thread)
        #endif
        return true
    }

    private final class Start: Sendable {
        let niceness: Int
        let body: @Sendable () -> Void

        init(niceness: Int, body: @escaping @Sendable () -> Void) {
            self.niceness = niceness
            self.body = body
        }

        func run() {
            // Of the thread that calls. It fails for none that only gives way.
            #if canImport(Glibc)
                if niceness > 0 {
                    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Int32(niceness))
                }
            #elseif canImport(Musl)
                if niceness > 0 { _ = setpriority(PRIO_PROCESS, 0, Int32(niceness)) }
            #endif
            body()
        }
    }
}
