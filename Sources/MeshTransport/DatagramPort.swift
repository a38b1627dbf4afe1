internal import NIOCore
internal import NIOPosix
internal import Wire

/// Where datagrams to members go, and the socket they go through. On the gossip loop.
final class DatagramPort: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private struct Heard {
        var address: SocketAddress
        var at: MonotonicInstant
    }

    private struct Resolution {
        var addresses: [SocketAddress] = []
        var at: MonotonicInstant
    }

    private let loop: any EventLoop
    private var channel: (any Channel)?
    private var isIPv6 = false
    /// Where authenticated datagrams of a member last came from.
    private var heard: [NodeID: Heard] = [:]
    private var resolved: [NetworkAddress: Resolution] = [:]

    private(set) var received: UInt64 = 0
    private(set) var sent: UInt64 = 0
    /// Lost on purpose, in and out.
    private(set) var droppedOnPurpose: UInt64 = 0
    private let faults: [TransportFault]
    var onDatagram: (([UInt8], SocketAddress) -> Void)?
    var onDrained: (() -> Void)?

    init(loop: any EventLoop, faults: [TransportFault]) {
        self.loop = loop
        self.faults = faults
    }

    /// Whether a fault takes this datagram.
    private func isLostOnPurpose() -> Bool {
        for case .dropDatagrams(let share) in faults where Double.random(in: 0..<1) < share {
            droppedOnPurpose += 1
            return true
        }
        return false
    }

    func opened(_ channel: any Channel) {
        self.channel = channel
        isIPv6 = channel.localAddress?.protocol == .inet6
    }

    func close() -> (any Channel)? {
        defer { channel = nil }
        onDatagram = nil
        onDrained = nil
        return channel
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var envelope = unwrapInboundIn(data)
        guard !isLostOnPurpose() else { return }
        received += 1
        guard let bytes = envelope.data.readBytes(length: envelope.data.readableBytes) else {
            return
        }
        onDatagram?(bytes, envelope.remoteAddress)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        onDrained?()
        channel?.flush()
    }

    /// One datagram that could not be read or sent is one datagram.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    /// A member was heard from there, by a datagram that authenticated.
    func heard(_ node: NodeID, from address: SocketAddress, at now: MonotonicInstant) {
        heard[node] = Heard(address: address, at: now)
    }

    func forget(_ node: NodeID) { heard[node] = nil }

    // MARK: Sending

    func send(_ datagram: [UInt8], to address: SocketAddress) {
        guard let channel, !isLostOnPurpose() else { return }
        sent += 1
        channel.write(
            AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: datagram)),
            promise: nil)
    }

    func flush() { channel?.flush() }

    /// Sends to where the member was heard from lately, and otherwise to its candidates.
    func send(
        _ datagrams: [[UInt8]], to node: NodeID, candidates: [NetworkAddress],
        at now: MonotonicInstant
    ) {
        guard channel != nil else { return }
        for address in destinations(of: node, candidates, at: now) {
            for datagram in datagrams { send(datagram, to: address) }
        }
    }

    private func destinations(
        of node: NodeID, _ candidates: [NetworkAddress], at now: MonotonicInstant
    ) -> [SocketAddress] {
        let last = heard[node]
        if let last, now - last.at < MeshTransportLimits.addressFresh { return [last.address] }
        var addresses = last.map { [$0.address] } ?? []
        for candidate in candidates.prefix(MeshTransportLimits.candidatesTried) {
            for address in socketAddresses(of: candidate, at: now)
            where !addresses.contains(address) { addresses.append(address) }
        }
        return Array(addresses.prefix(MeshTransportLimits.candidatesTried))
    }

    private func socketAddresses(
        of candidate: NetworkAddress, at now: MonotonicInstant
    ) -> [SocketAddress] {
        switch candidate.host {
        case .v4:
            // A socket for IPv6 reaches IPv4 by mapped addresses (RFC 4291, 2.5.5.2).
            let text = isIPv6 ? "::ffff:\(candidate.hostText)" : candidate.hostText
            return (try? [SocketAddress(ipAddress: text, port: Int(candidate.port))]) ?? []
        case .v6:
            guard isIPv6 else { return [] }
            return
                (try? [SocketAddress(ipAddress: candidate.hostText, port: Int(candidate.port))])
                ?? []
        case .name(let name): return resolve(candidate, name, at: now)
        }
    }

    /// What is known of a name, and a look-up off the loop when that is nothing or old.
    private func resolve(
        _ candidate: NetworkAddress, _ name: String, at now: MonotonicInstant
    ) -> [SocketAddress] {
        let known = resolved[candidate]
        if let known, now - known.at < MeshTransportLimits.resolutionFresh {
            return known.addresses
        }
        if resolved.count >= MeshTransportLimits.resolutionsKept { resolved = [:] }
        resolved[candidate] = Resolution(addresses: known?.addresses ?? [], at: now)
        let bound = NIOLoopBound(self, eventLoop: loop)
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try SocketAddress.makeAddressResolvingHost(name, port: Int(candidate.port))
        }.whenSuccess { address in
            bound.value.resolved[candidate]?.addresses = [address]
        }
        return known?.addresses ?? []
    }
}
