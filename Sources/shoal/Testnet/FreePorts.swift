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
    static func find(count: Int, from base: UInt16, host: String = "127.0.0.1") -> [UInt16] {
        var found: [UInt16] = []
        var port = base
        while found.count < count, port < .max {
            if isFree(port, host: host, type: streamType),
                isFree(port, host: host, type: datagramType)
            {
                found.append(port)
            }
            port += 1
        }
        return found
    }

    #if canImport(Glibc)
        private static let streamType = Int32(SOCK_STREAM.rawValue)
        private static let datagramType = Int32(SOCK_DGRAM.rawValue)
    #else
        private static let streamType = SOCK_STREAM
        private static let datagramType = SOCK_DGRAM
    #endif

    private static func isFree(_ port: UInt16, host: String, type: Int32) -> Bool {
        let descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // As the node's own listener does: a port in TIME_WAIT is free.
        var reuse: Int32 = 1
        if type == streamType {
            setsockopt(
                descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return false }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
