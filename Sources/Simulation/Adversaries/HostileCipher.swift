import Gossip
import Wire

/// What a hostile member changes in packets on their way out.
struct PacketLies: Sendable {
    /// Whether acks lie about load, place, lateness and what is observed.
    var inAcks = false
    /// Whether what is passed on for others is replaced.
    var asRelay = false
    /// Whether it is dropped.
    var dropsRelayed = false

    /// The packet that goes out instead.
    func told(_ packet: [UInt8], salt: UInt64) -> [UInt8] {
        guard inAcks || asRelay || dropsRelayed,
            let honest = try? GossipPacket(decoding: packet)
        else { return packet }
        let claims = honest.claims.map(\.encoded)
        switch honest.message {
        case .ack(let sequence, _) where inAcks:
            // Lies may be longer than the truth: then there is no room for claims.
            let lie = GossipPacket.encode(.ack(sequence: sequence, report(salt)), claims: claims)
            guard lie.count > packet.count else { return lie }
            return GossipPacket.encode(.ack(sequence: sequence, report(salt)), claims: [])
        case .forwarded(let origin, let sealed) where dropsRelayed || asRelay:
            guard asRelay, mixed(salt) & 1 == 0 else {
                return GossipPacket.encode(.none, claims: claims)
            }
            var altered = sealed
            if !altered.isEmpty { altered[Int(salt % UInt64(altered.count))] ^= 1 }
            return GossipPacket.encode(.forwarded(from: origin, sealed: altered), claims: claims)
        case .forwardReceipt(let number, _) where dropsRelayed:
            return GossipPacket.encode(
                .forwardReceipt(number: number, accepted: true), claims: claims)
        default: return packet
        }
    }

    private func report(_ salt: UInt64) -> AckReport {
        let far = Float(salt % 19) - 9
        let coordinate = Coordinate(
            vector: SIMD8(repeating: far), height: Float(salt % 10), adjustment: far,
            error: salt & 1 == 0 ? 0 : 1.5)
        let host = [UInt8(salt >> 8 & 255), UInt8(salt >> 16 & 255), UInt8(salt >> 24 & 255), 9]
        return AckReport(
            load: MemberLoad(
                queued: UInt16(truncatingIfNeeded: salt), running: .max,
                freeKVTokens: salt & 2 == 0 ? 0 : .max),
            patience: GossipLimits.patienceMax, coordinate: coordinate,
            observed: NetworkAddress(host: .v4(host), port: UInt16(salt & 1023 + 1)))
    }
}

/// The cipher of a hostile member: it changes what it is given to seal.
struct HostileCipher: DatagramCipher {
    let base: any DatagramCipher
    let lies: PacketLies

    func root(of peer: NodeID, linkKey: LinkKey) -> DatagramKey? {
        base.root(of: peer, linkKey: linkKey)
    }

    func key(
        root: DatagramKey, sender: NodeID, receiver: NodeID, senderBoot: BootID,
        receiverBoot: BootID
    ) -> DatagramKey {
        base.key(
            root: root, sender: sender, receiver: receiver, senderBoot: senderBoot,
            receiverBoot: receiverBoot)
    }

    func seal(_ datagram: inout [UInt8], header: Int, key: DatagramKey, counter: UInt64) {
        let told = lies.told(Array(datagram[header...]), salt: mixed(counter))
        datagram.replaceSubrange(header..., with: told)
        base.seal(&datagram, header: header, key: key, counter: counter)
    }

    func open(
        _ datagram: [UInt8], header: Int, key: DatagramKey, counter: UInt64
    ) -> [UInt8]? {
        base.open(datagram, header: header, key: key, counter: counter)
    }

    func hint(of node: NodeID) -> UInt64 { base.hint(of: node) }

    var meshKeyID: UInt64 { base.meshKeyID }
}
