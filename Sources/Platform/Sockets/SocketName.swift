#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A socket address of either family.
package struct SocketName: Sendable {
    private var storage = sockaddr_storage()
    private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    /// Room for one that the system fills in.
    package init() {}

    /// A numeric host and a port.
    package init?(host: String, port: Int) {
        guard let port = UInt16(exactly: port) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        let isIPv6 = host.contains(":")
        // inet_pton writes 4 or 16 bytes, by the family.
        guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, host, &bytes) == 1 else { return nil }
        self.init(isIPv6 ? bytes : Array(bytes[..<4]), port: port)
    }

    /// An address of 4 or 16 bytes for a socket of one family; nil for IPv6 from a socket of IPv4.
    package init?(address: [UInt8], port: UInt16, forIPv6: Bool) {
        switch (address.count, forIPv6) {
        case (4, false), (16, true): self.init(address, port: port)
        case (4, true): self.init(Self.mapped + address, port: port)
        default: return nil
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

    /// The address in 4 or 16 bytes, IPv4 as such also where it came mapped, and the port; nil for
    /// another family.
    package var parts: (address: [UInt8], port: UInt16)? {
        switch Int32(storage.ss_family) {
        case AF_INET:
            // The family says which of the layouts it is; both fit the storage.
            let address = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in.self) }
            let host = withUnsafeBytes(of: address.sin_addr) { Array($0) }
            return (host, UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in6.self) }
            let host = withUnsafeBytes(of: address.sin6_addr) { Array($0) }
            let isMapped = host.starts(with: Self.mapped)
            return (
                isMapped ? Array(host[12...]) : host,
                UInt16(bigEndian: address.sin6_port)
            )
        default: return nil
        }
    }
}

extension SocketName {
    /// All addresses of a name, of 4 or 16 bytes each, best first. Waits for the resolver: not for a thread that must not.
    package static func resolve(_ name: String) -> [[UInt8]] {
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
        var found: [[UInt8]] = []
        var next = list
        while let entry = next?.pointee {
            if let address = SocketName(entry)?.parts?.address, !found.contains(address) {
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
