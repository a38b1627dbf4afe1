#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Ports that nothing uses now. Another program may take one before it is used; the node that then
/// fails to listen says so.
enum FreePorts {
    /// The first ports from `base` that are free on `host`, an IPv4 address, for streams and
    /// datagrams both.
    static func find(
        count: Int, from base: UInt16, host: String = "127.0.0.1", except: Set<UInt16> = []
    ) -> [UInt16] {
        find(count: count, in: base..<UInt16.max, host: host, except: except)
    }

    static func find(
        count: Int, in range: Range<UInt16>, host: String = "127.0.0.1", except: Set<UInt16> = []
    ) -> [UInt16] {
        var found: [UInt16] = []
        for port in range where found.count < count && !except.contains(port) {
            if isFree(port, host: host, type: streamType),
                isFree(port, host: host, type: datagramType)
            {
                found.append(port)
            }
        }
        return found
    }

    #if canImport(Glibc)
        static let streamType = Int32(SOCK_STREAM.rawValue)
        static let datagramType = Int32(SOCK_DGRAM.rawValue)
    #else
        static let streamType = SOCK_STREAM
        static let datagramType = SOCK_DGRAM
    #endif

    private static func isFree(_ port: UInt16, host: String, type: Int32) -> Bool {
        guard let descriptor = bound(to: port, host: host, type: type) else { return false }
        close(descriptor)
        return true
    }

    /// A socket bound to a port, or nil when that is taken.
    static func bound(to port: UInt16, host: String, type: Int32) -> Int32? {
        let descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { return nil }
        // As the node's own listener does: a port in TIME_WAIT is free.
        var reuse: Int32 = 1
        if type == streamType {
            setsockopt(
                descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        let isBound =
            inet_pton(AF_INET, host, &address.sin_addr) == 1
            && withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        guard isBound else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
