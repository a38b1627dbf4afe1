#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A range of ports that no other testnet looks into while this one starts. Its first port is the
/// guard: whoever listens there has the block, and the system gives it back however that process
/// ends. Two testnets that start at once so never choose the same ports.
final class PortBlock {
    /// Blocks lie one after another from here, below the ports that systems give out themselves.
    static let base: UInt16 = 17_400
    private static let end: UInt16 = 32_700
    /// A guard, and two ports for each node of the largest testnet.
    private static let size = UInt16(1 + 2 * TestnetDirectory.nodesMax)

    /// The ports, each free when it was looked at.
    let ports: [UInt16]
    private let guardSocket: Int32

    /// The first block that nobody has, with so many free ports; nil when there is none.
    static func take(ports count: Int) -> PortBlock? {
        for start in stride(from: base, to: end - size, by: Int(size)) {
            if let block = PortBlock(start: start, count: count) { return block }
        }
        return nil
    }

    private init?(start: UInt16, count: Int) {
        let guardSocket = FreePorts.bound(
            to: start, host: "127.0.0.1", type: FreePorts.streamType)
        guard let guardSocket else { return nil }
        let ports = FreePorts.find(count: count, in: start + 1..<start + Self.size)
        // Bound alone is no claim: several may be bound to a port as long as none listens.
        guard listen(guardSocket, 1) == 0, ports.count == count else {
            close(guardSocket)
            return nil
        }
        self.guardSocket = guardSocket
        self.ports = ports
    }

    deinit { close(guardSocket) }
}
