import Gossip
import Wire

/// Membership: datagrams from anybody; packets, exchanges and well-sealed nonsense from a member;
/// time in between. Nothing may trap, no map outgrow its bound, no datagram be too long.
///
/// An input is a list of steps: `what u8, length u16, that many bytes`.
enum GossipTarget {
    private enum Step: UInt8, CaseIterable {
        case datagram, packet, sealed, relayed, exchanged, request, claim, wait
    }

    static func run(_ bytes: [UInt8]) {
        var pair = GossipPair.introduced
        var reader = ByteReader(bytes)
        for _ in 0..<FuzzLimits.stepsMax {
            guard let kind = try? reader.readUInt8(), let count: UInt16 = try? reader.readInteger()
            else { break }
            let content = Array(
                (try? reader.readBytes(min(Int(count), reader.remaining))) ?? [])
            let step = Step(rawValue: kind % UInt8(Step.allCases.count)) ?? .wait
            perform(step, content, &pair)
            pair.check()
        }
    }

    private static func perform(_ step: Step, _ bytes: [UInt8], _ pair: inout GossipPair) {
        switch step {
        case .datagram: pair.receive(bytes)
        case .packet: pair.give(.packet(bytes, from: GossipPair.peer, path: .link))
        case .sealed:
            for datagram in pair.peerSessions.seal(bytes, to: GossipPair.node, at: pair.now) {
                pair.receive(datagram)
            }
        case .relayed:
            // As a relay wraps it.
            var writer = ByteWriter()
            writer.writeInteger(GossipVersion.supported.upperBound)
            writer.writeInteger(UInt8(4))
            writer.writeInteger(UInt16(truncatingIfNeeded: NodeID.byteCount + 2 + bytes.count))
            GossipPair.third.encode(to: &writer)
            writer.writeInteger(UInt16(truncatingIfNeeded: bytes.count))
            writer.writeBytes(bytes)
            writer.writeInteger(UInt8(0))
            pair.give(.packet(writer.bytes, from: GossipPair.peer, path: .link))
        case .exchanged: pair.give(.exchanged(bytes, from: GossipPair.peer))
        case .request: pair.answer(bytes)
        case .claim:
            // A packet that is nothing but the claims in the input.
            let header: [UInt8] = [GossipVersion.supported.upperBound, 0, 0, 0, 1]
            pair.give(.packet(header + bytes, from: GossipPair.peer, path: .link))
        case .wait: pair.wait(.milliseconds(Int(bytes.first ?? 1) * 40))
        }
    }

    /// What two nodes say to each other in a while, as inputs.
    static var seeds: [(name: String, bytes: [UInt8])] {
        var pair = GossipPair(recording: true)
        for _ in 0..<12 { pair.wait(.milliseconds(250)) }
        var said: [(Step, [UInt8])] = (pair.record ?? []).map { said, bytes in
            switch said {
            case .datagram: (.datagram, bytes)
            case .packet: (.packet, bytes)
            case .request: (.request, bytes)
            case .answer: (.exchanged, bytes)
            }
        }
        // A packet well sealed reaches further than one that is not.
        said += said.filter { $0.0 == .packet }.map { (.sealed, $0.1) }
        said += said.filter { $0.0 == .datagram }.prefix(4).map { (.relayed, $0.1) }
        return said.enumerated().map { index, entry in
            var writer = ByteWriter()
            writer.writeInteger(entry.0.rawValue)
            writer.writeInteger(UInt16(entry.1.count))
            writer.writeBytes(entry.1)
            writer.writeBytes([Step.wait.rawValue, 0, 1, 20])
            return ("said-\(index)", writer.bytes)
        }
    }
}
