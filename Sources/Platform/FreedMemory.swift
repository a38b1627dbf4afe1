#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the C library does with memory that was freed.
package enum FreedMemory {
    /// Has the C library keep about twice so many freed bytes for the next burst, instead of giving
    /// each burst's memory back to the system and faulting it in anew. With glibc that follows from
    /// freeing one block of that size, which raises its thresholds (mallopt(3), "Note: nowadays,
    /// glibc uses a dynamic mmap threshold"); elsewhere nothing happens.
    ///
    /// - Parameter bytes: At most 32 MiB.
    package static func keep(_ bytes: Int) {
        #if canImport(Glibc)
            // Not used, and freed at once.
            give(back: malloc(bytes))
        #endif
    }

    #if canImport(Glibc)
        /// Out of line: a block that is allocated and freed in one function never comes to be, since
        /// the optimiser drops the pair.
        @inline(never)
        private static func give(back block: UnsafeMutableRawPointer?) { free(block) }
    #endif
}
