internal import NIOCore
internal import NIOPosix
internal import Wire

/// The socket for datagrams, and what names of members' addresses stand for. On the gossip thread.
final class DatagramPort {
    private struct Resolution {
        var addresses: [NetworkAddress] = []
        var at: MonotonicInstant
    }

    private let faults: [TransportFault]
    private var socket: DatagramSocket?
    private var resolved: [NetworkAddress: Resolution] = [:]

    private(set) var received: UInt64 = 0
    private(set) var sent: UInt64 = 0
    /// Not taken by the system: its buffer is full, or there is no way to the address.
    private(set) var unsent: UInt64 = 0
    /// Lost on purpose, in and out.
    private(set) var droppedOnPurpose: UInt64 = 0
    /// Looks up a name off the thread and then calls ``found(_:for:)``; set by the loop.
    var lookUp: ((NetworkAddress, _ name: String) -> Void)?

    init(faults: [TransportFault]) { self.faults = faults }

    func open(host: String, port: Int, bytesMax: Int) throws(IOError) {
        socket = try DatagramSocket(host: host, port: port, bytesMax: bytesMax)
    }

    func close() {
        socket = nil
        lookUp = nil
    }

    /// What a sleeping thread waits for; nil without a socket.
    var descriptor: Int32? { socket?.descriptor }

    /// Whether a fault takes this datagram.
    private func isLostOnPurpose() -> Bool {
        for case .dropDatagrams(let share) in faults where Double.random(in: 0..<1) < share {
            droppedOnPurpose += 1
            return true
        }
        return false
    }

    // MARK: Receiving

    /// Hands over all that waits, until nothing does or ``MeshTransportLimits/datagramsPerTurn``
    /// came: who floods the socket must not stop the clock.
    func drain(_ body: ([UInt8], NetworkAddress) -> Void) {
        for _ in 0..<MeshTransportLimits.datagramsPerTurn {
            // Looked up each time: what came may have had the socket closed.
            guard let socket else { return }
            switch socket.receive() {
            case .datagram(let bytes, let source):
                guard !isLostOnPurpose() else { continue }
                received += 1
                body(bytes, source)
            case .nothingUseful: continue
            case .drained: return
            }
        }
    }

    // MARK: Sending

    /// Sends to an address, or to all that its name stands for.
    func send(_ datagram: [UInt8], to address: NetworkAddress, at now: MonotonicInstant) {
        guard socket != nil else { return }
        guard case .name(let name) = address.host else { return send(datagram, to: address) }
        for address in resolve(address, name, at: now) { send(datagram, to: address) }
    }

    private func send(_ datagram: [UInt8], to address: NetworkAddress) {
        guard let socket, !isLostOnPurpose() else { return }
        if socket.send(datagram, to: address) { sent += 1 } else { unsent += 1 }
    }

    /// What is known of a name; a look-up, whose answer later datagrams have, when that is nothing
    /// or old.
    private func resolve(
        _ address: NetworkAddress, _ name: String, at now: MonotonicInstant
    ) -> [NetworkAddress] {
        let known = resolved[address]
        if let known, now - known.at < MeshTransportLimits.resolutionFresh {
            return known.addresses
        }
        if resolved.count >= MeshTransportLimits.resolutionsKept { resolved = [:] }
        resolved[address] = Resolution(addresses: known?.addresses ?? [], at: now)
        lookUp?(address, name)
        return known?.addresses ?? []
    }

    /// The answer to a look-up. An empty one leaves what was known before.
    func found(_ addresses: [NetworkAddress], for address: NetworkAddress) {
        guard !addresses.isEmpty else { return }
        resolved[address]?.addresses = Array(
            addresses.prefix(MeshTransportLimits.addressesPerName))
    }
}
