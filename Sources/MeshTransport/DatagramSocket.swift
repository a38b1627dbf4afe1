import Mesh
import NIOCore
import Wire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A socket for datagrams that never makes its caller wait. Used by one thread.
final class DatagramSocket {
    /// What came.
    enum Received {
        case datagram([UInt8], from: NetworkAddress)
        /// Something that is no datagram of anybody's: an error, or a source that has no address.
        case nothingUseful
        /// Nothing more is there.
        case drained
    }

    let descriptor: Int32
    /// Whether it is of IPv6; one that listens on all addresses is, and reaches IPv4 by mapped
    /// addresses (RFC 4291, 2.5.5.2).
    private let isIPv6: Bool
    /// One byte more than is accepted, so that what is too long shows.
    private var buffer: [UInt8]

    /// Binds to an address of this machine's.
    ///
    /// - Parameter bytesMax: The longest datagram that is accepted.
    init(host: String, port: Int, bytesMax: Int) throws(IOError) {
        buffer = [UInt8](repeating: 0, count: bytesMax + 1)
        isIPv6 = host.contains(":")
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Self.datagramType, 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        // What comes while every core is busy waits here and is not lost; the system may give less.
        set(SOL_SOCKET, SO_RCVBUF, Int32(MeshTransportLimits.receiveBufferBytes))
        if isIPv6 { set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        guard let address = SocketName(host: host, port: port) else {
            throw IOError(errnoCode: EADDRNOTAVAIL, reason: "bind")
        }
        let result = address.withPointer { bind(descriptor, $0, $1) }
        guard result == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
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
    func receive() -> Received {
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
        guard let source = name.networkAddress else { return .nothingUseful }
        return .datagram(Array(buffer[..<count]), from: source)
    }

    /// Sends, or loses, a datagram; false where the system did not take it.
    func send(_ bytes: [UInt8], to address: NetworkAddress) -> Bool {
        guard let name = SocketName(address, forIPv6: isIPv6) else { return false }
        // Both are read only, within their lengths, during the call.
        return name.withPointer { address, length in
            sendto(descriptor, bytes, bytes.count, 0, address, length) == bytes.count
        }
    }
}

/// A socket address of either family.
struct SocketName {
    private var storage = sockaddr_storage()
    private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    /// Room for one that the system fills in.
    init() {}

    /// A numeric host and a port.
    init?(host: String, port: Int) {
        guard let port = UInt16(exactly: port) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        let isIPv6 = host.contains(":")
        // inet_pton writes 4 or 16 bytes, by the family.
        guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, host, &bytes) == 1 else { return nil }
        self.init(isIPv6 ? bytes : Array(bytes[..<4]), port: port)
    }

    /// A member's address for a socket of one family; nil for a name, and for IPv6 from a socket of
    /// IPv4.
    init?(_ address: NetworkAddress, forIPv6: Bool) {
        switch address.host {
        case .v4(let bytes):
            self.init(forIPv6 ? Self.mapped + bytes : bytes, port: address.port)
        case .v6(let bytes):
            guard forIPv6 else { return nil }
            self.init(bytes, port: address.port)
        case .name: return nil
        }
    }

    /// The first 12 bytes of an IPv4 address in IPv6.
    private static let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]

    private init(_ host: [UInt8], port: UInt16) {
        if host.count == 16 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: host) }
            #if canImport(Darwin)
                address.sin6_len = UInt8(MemoryLayout<sockaddr_in6>.size)
            #endif
            set(address)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: host) }
            #if canImport(Darwin)
                address.sin_len = UInt8(MemoryLayout<sockaddr_in>.size)
            #endif
            set(address)
        }
    }

    private mutating func set<Address>(_ address: Address) {
        length = socklen_t(MemoryLayout<Address>.size)
        // sockaddr_storage is made to hold, aligned, any of the families' addresses.
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: Address.self) }
    }

    func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        // A sockaddr is the common beginning of what sockaddr_storage holds.
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    mutating func withMutablePointer<R>(
        _ body: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> R
    ) -> R {
        // As above; the length tells the system how much room there is.
        withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
    }

    /// As members write it; nil for another family, or port 0.
    var networkAddress: NetworkAddress? {
        parts.flatMap { NetworkAddress(host: $0.host, port: $0.port) }
    }

    /// Host and port, IPv4 as such also where it came mapped.
    private var parts: (host: NetworkAddress.Host, port: UInt16)? {
        switch Int32(storage.ss_family) {
        case AF_INET:
            // The family says which of the layouts it is; both fit the storage.
            let address = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in.self) }
            let host = withUnsafeBytes(of: address.sin_addr) { Array($0) }
            return (.v4(host), UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in6.self) }
            let host = withUnsafeBytes(of: address.sin6_addr) { Array($0) }
            let isMapped = host.starts(with: Self.mapped)
            return (
                isMapped ? .v4(Array(host[12...])) : .v6(host),
                UInt16(bigEndian: address.sin6_port)
            )
        default: return nil
        }
    }
}

extension SocketName {
    /// All addresses of a name, best first. Waits for the resolver: not for a thread that must not.
    static func resolve(_ name: String, port: UInt16) -> [NetworkAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        // One entry per address, not one per kind of socket.
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        #else
            hints.ai_socktype = SOCK_DGRAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        // The list is the resolver's until it is freed, after the last look at it.
        defer { freeaddrinfo(list) }
        var found: [NetworkAddress] = []
        var next = list
        while let entry = next?.pointee {
            // The resolver gives no port.
            if let host = SocketName(entry)?.parts?.host,
                let address = NetworkAddress(host: host, port: port), !found.contains(address)
            {
                found.append(address)
            }
            next = entry.ai_next
        }
        return found
    }

    private init?(_ entry: addrinfo) {
        guard let address = entry.ai_addr,
            Int(entry.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size
        else { return nil }
        length = entry.ai_addrlen
        // `ai_addrlen` bytes are there, and there is room for them.
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
    }
}
