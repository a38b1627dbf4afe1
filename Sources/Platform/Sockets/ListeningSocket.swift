#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A socket on which connections arrive, and that never makes its caller wait.
package final class ListeningSocket: Sendable {
    /// What an accept gave.
    package enum Accepted {
        /// A connection, which does not make its caller wait either, and where it comes from.
        case connection(Int32, from: SocketName)
        /// One that was gone again.
        case gone
        /// No more are there.
        case none
        /// The system has no more descriptors or memory.
        case exhausted
    }

    package let descriptor: Int32
    /// The port, also where the system chose it.
    package let port: UInt16

    /// Listens at an address of this machine's.
    ///
    /// - Parameters:
    ///   - port: 0 for any that is free.
    ///   - backlog: How many connections the system is asked to hold until they are accepted.
    package init(host: String, port: UInt16, backlog: Int32) throws(SystemError) {
        let isIPv6 = host.contains(":")
        guard let name = SocketName(host: host, port: Int(port)) else {
            throw SystemError(code: EADDRNOTAVAIL)
        }
        #if canImport(Glibc)
            let kind = Int32(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, kind, 0)
        guard descriptor >= 0 else { throw SystemError(code: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var on: Int32 = 1
        // The pointer is valid for the call, which reads exactly the size given.
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        if isIPv6 {
            var off: Int32 = 0
            setsockopt(
                descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off,
                socklen_t(MemoryLayout<Int32>.size))
        }
        guard name.withPointer({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, backlog) == 0
        else {
            let code = errno
            close(descriptor)
            throw SystemError(code: code)
        }
        var bound = SocketName()
        _ = bound.withMutablePointer { getsockname(descriptor, $0, &$1) }
        self.descriptor = descriptor
        self.port = bound.parts?.port ?? port
    }

    deinit { close(descriptor) }

    /// The next connection.
    package func accept() -> Accepted {
        var name = SocketName()
        let connection = name.withMutablePointer { address, length in
            #if canImport(Darwin)
                Darwin.accept(descriptor, address, &length)
            #elseif canImport(Glibc)
                Glibc.accept(descriptor, address, &length)
            #else
                Musl.accept(descriptor, address, &length)
            #endif
        }
        guard connection >= 0 else {
            switch errno {
            case EAGAIN, EWOULDBLOCK: return .none
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            default: return .gone
            }
        }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        _ = fcntl(connection, F_SETFL, O_NONBLOCK)
        #if canImport(Darwin)
            var on: Int32 = 1
            setsockopt(
                connection, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
        return .connection(connection, from: name)
    }
}

/// Reading and writing on connections that don't make their caller wait.
package enum StreamSocket {
    /// What a read gave.
    package enum Read {
        case bytes([UInt8])
        /// Nothing has come yet.
        case nothing
        /// The other side ended it, or it broke.
        case ended
    }

    /// Reads at most `limit` bytes.
    package static func read(_ descriptor: Int32, limit: Int) -> Read {
        var code: Int32 = 0
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, written in
            // The system writes at most `limit` bytes, which there is room for.
            count = recv(descriptor, buffer.baseAddress, limit, 0)
            code = errno
            written = max(count, 0)
        }
        if count > 0 { return .bytes(bytes) }
        if count < 0, code == EAGAIN || code == EWOULDBLOCK || code == EINTR { return .nothing }
        return .ended
    }

    /// Writes all of a few bytes; false when the system did not take them at once, which for a new
    /// connection means that it broke.
    package static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        #if canImport(Darwin)
            let flags: Int32 = 0
        #else
            let flags = Int32(MSG_NOSIGNAL)
        #endif
        return send(descriptor, bytes, bytes.count, flags) == bytes.count
    }

    /// Ends a connection that nobody else was given.
    package static func close(_ descriptor: Int32) {
        #if canImport(Darwin)
            _ = Darwin.close(descriptor)
        #elseif canImport(Glibc)
            _ = Glibc.close(descriptor)
        #else
            _ = Musl.close(descriptor)
        #endif
    }
}
