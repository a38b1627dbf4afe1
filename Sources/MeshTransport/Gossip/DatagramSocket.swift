internal import NIOCore
internal import Platform
internal import Wire

/// A socket for datagrams between members' addresses that never makes its caller wait. Used by one
/// thread.
final class DatagramSocket {
    /// What came.
    enum Received {
        case datagram([UInt8], from: NetworkAddress)
        /// Something that is no datagram of anybody's: an error, or a source that has no address.
        case nothingUseful
        /// Nothing more is there.
        case drained
    }

    private let handle: DatagramHandle

    /// Binds to an address of this machine's.
    ///
    /// - Parameter bytesMax: The longest datagram that is accepted.
    init(host: String, port: Int, bytesMax: Int) throws(IOError) {
        do {
            handle = try DatagramHandle(
                host: host, port: port, bytesMax: bytesMax,
                receiveBuffer: MeshTransportLimits.receiveBufferBytes)
        } catch { throw IOError(errnoCode: error.code, reason: "bind") }
    }

    var descriptor: Int32 { handle.descriptor }

    /// The next datagram that waits.
    func receive() -> Received {
        switch handle.receive() {
        case .datagram(let bytes, let name):
            name.networkAddress.map { .datagram(bytes, from: $0) } ?? .nothingUseful
        case .nothingUseful: .nothingUseful
        case .drained: .drained
        }
    }

    /// Sends, or loses, a datagram; false where the system did not take it.
    func send(_ bytes: [UInt8], to address: NetworkAddress) -> Bool {
        guard let host = address.hostBytes,
            let name = SocketName(address: host, port: address.port, forIPv6: handle.isIPv6)
        else { return false }
        return handle.send(bytes, to: name)
    }

    /// All addresses of a name, best first. Waits for the resolver: not for a thread that must not.
    static func resolve(_ name: String, port: UInt16) -> [NetworkAddress] {
        SocketName.resolve(name).compactMap { NetworkAddress(bytes: $0, port: port) }
    }
}

extension SocketName {
    /// As members write it; nil for another family, or port 0.
    var networkAddress: NetworkAddress? {
        parts.flatMap { NetworkAddress(bytes: $0.address, port: $0.port) }
    }
}

extension NetworkAddress {
    /// 4 or 16 bytes; nil for a name.
    var hostBytes: [UInt8]? {
        switch host {
        case .v4(let bytes), .v6(let bytes): bytes
        case .name: nil
        }
    }

    /// The address of 4 or 16 bytes.
    init?(bytes: [UInt8], port: UInt16) {
        self.init(host: bytes.count == 4 ? .v4(bytes) : .v6(bytes), port: port)
    }
}
