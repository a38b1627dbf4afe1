#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Waits until one of some descriptors can be read, or until it is woken. One thread owns it; any
/// may wake it by its ``Bell``.
package struct Readiness: ~Copyable {
    /// What ``wait(for:)`` is woken by, from any thread.
    package final class Bell: Sendable {
        fileprivate let readEnd: Int32
        private let writeEnd: Int32

        /// Nil when the system has no descriptors for it.
        package init?() {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { return nil }
            (readEnd, writeEnd) = (ends[0], ends[1])
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
            }
        }

        deinit {
            close(readEnd)
            close(writeEnd)
        }

        /// Wakes the thread that waits, or that waits next.
        package func ring() {
            var byte: UInt8 = 0
            // One byte, from a variable of this frame. A pipe that is full wakes too.
            _ = write(writeEnd, &byte, 1)
        }

        fileprivate func quiet() {
            var bytes = [UInt8](repeating: 0, count: 64)
            // At most as many bytes as there is room for; what remains rings again.
            _ = read(readEnd, &bytes, bytes.count)
        }
    }

    private let bell: Bell
    private var polled: [pollfd]
    /// The callers' numbers of those polled, in the same order; the bell has none.
    private var numbers: [UInt64] = [0]
    private var places: [Int32: Int] = [:]

    /// What waits for nothing but its bell.
    package init(bell: Bell) {
        self.bell = bell
        polled = [pollfd(fd: bell.readEnd, events: Int16(POLLIN), revents: 0)]
    }

    /// Looks at a descriptor from now on.
    ///
    /// - Parameter number: What ``wait(for:)`` calls it.
    package mutating func watch(_ descriptor: Int32, as number: UInt64) {
        places[descriptor] = polled.count
        polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        numbers.append(number)
    }

    /// Looks no more: before the descriptor is closed or given away.
    package mutating func forget(_ descriptor: Int32) {
        guard let place = places.removeValue(forKey: descriptor) else { return }
        let last = polled.count - 1
        if place != last {
            polled[place] = polled[last]
            numbers[place] = numbers[last]
            places[polled[place].fd] = place
        }
        polled.removeLast()
        numbers.removeLast()
    }

    /// Sleeps until something can be read, the bell rings, or the time is over.
    ///
    /// - Parameter time: Nil for ever.
    /// - Returns: The numbers of those that can be read, or broke.
    package mutating func wait(for time: Duration?) -> [UInt64] {
        // Rounded up, so that the time has come when it is over.
        let milliseconds = time.map {
            let (seconds, attoseconds) = max($0, .zero).components
            return Int32(
                clamping: seconds * 1000 + (attoseconds + 999_999_999_999_999)
                    / 1_000_000_000_000_000)
        }
        // As many entries as the array has.
        guard poll(&polled, nfds_t(polled.count), milliseconds ?? -1) > 0 else { return [] }
        if polled[0].revents != 0 { bell.quiet() }
        return (1..<polled.count).filter { polled[$0].revents != 0 }.map { numbers[$0] }
    }
}
