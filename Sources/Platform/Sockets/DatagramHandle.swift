#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A socket for datagrams that never makes its caller wait. Used by one thread.
package final class DatagramHandle {
    /// What came.
    package enum Received {
        case datagram([UInt8], from: SocketName)
        /// An error.
        case nothingUseful
        /// Nothing more is there.
        case drained
    }

    package let descriptor: Int32
    /// Whether it is of IPv6; one that listens on all addresses is, and reaches IPv4 by mapped
    /// addresses (RFC 4291, 2.5.5.2).
    package let isIPv6: Bool
    /// One byte more than is accepted, so that what is too long shows.
    private var buffer: [UInt8]

    /// Binds to an address of this machine's.
    ///
    /// - Parameters:
    ///   - bytesMax: The longest datagram that is accepted.
    ///   - receiveBuffer: What the system is asked to hold, in bytes; it may give less.
    package init(
        host: String, port: Int, bytesMax: Int, receiveBuffer: Int
    ) throws(SystemError) {
        buffer = [UInt8](repeating: 0, count: bytesMax + 1)
        isIPv6 = host.contains(":")
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Self.datagramType, 0)
        guard descriptor >= 0 else { throw SystemError(code: errno) }
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        // What comes while every core is busy waits here and is not lost.
        set(SOL_SOCKET, SO_RCVBUF, Int32(receiveBuffer))
        if isIPv6 { set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        guard let address = SocketName(host: host, port: port) else {
            throw SystemError(code: EADDRNOTAVAIL)
        }
        let result = address.withPointer { bind(descriptor, $0, $1) }
        guard result == 0 else { throw SystemError(code: errno) }
    }

    deinit { close(descriptor) }

    #if canImport(Glibc)
        private static let datagramType = Int32(SOCK_DGRAM.rawValue)
    #else
        private static let datagramType = Int32(SOCK_DGRAM)
    #endif

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        // The pointer is valid for the call, which reads exactly the size given.
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The next datagram that waits.
    package func receive() -> Received {
        var name = SocketName()
        // The buffer is ours alone while it is written, up to its own length.
        let count = buffer.withUnsafeMutableBytes { bytes in
            name.withMutablePointer { address, length in
                recvfrom(descriptor, bytes.baseAddress, bytes.count, 0, address, &length)
            }
        }
        guard count >= 0 else {
            return errno == EAGAIN || errno == EWOULDBLOCK ? .drained : .nothingUseful
        }
        return .datagram(Array(buffer[..<count]), from: name)
    }

    /// Sends, or loses, a datagram; false where the system did not take it.
    package func send(_ bytes: [UInt8], to name: SocketName) -> Bool {
        // Both are read only, within their lengths, during the call.
        return name.withPointer { address, length in
            sendto(descriptor, bytes, bytes.count, 0, address, length) == bytes.count
        }
    }
}
