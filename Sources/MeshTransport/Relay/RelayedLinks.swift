internal import Mesh
internal import NIOCore
internal import Wire

// The two ends of a link that a third node carries. What they speak is what they would on a wire:
// the same handshake, the same records, sealed from end to end.
extension LinkHub {
    /// Makes a connection to a member by way of another that there is a direct link to. The
    /// completion is called once.
    func dial(
        _ peer: NodeID, via relay: NodeID, purpose: LinkPurpose = .primary,
        then completion: @escaping (Result<LinkConnection, LinkError>) -> Void
    ) {
        guard let outer = links[relay], outer.isOpen, outer.relay == nil, relay != peer else {
            return completion(.failure(.notConnected(relay)))
        }
        do throws(LinkError) {
            let inner = try dialMember(purpose: purpose, expecting: peer, then: completion)
            inner.relay = relay
            do throws(LinkError) {
                let stream = try outer.openSink(.relay, first: peer.bytes)
                outer.carry(inner, over: stream)
            } catch { inner.neverConnected("the relay takes no more: \(error)") }
        } catch { completion(.failure(error)) }
    }

    /// A relay brings a connection of another member.
    func acceptRelayed(
        over stream: UInt32, of outer: LinkConnection, first: [UInt8], by relay: NodeID
    ) -> Bool {
        let relayed = connections.values.count { $0.relay != nil }
        guard outer.relay == nil, let asker = NodeID(first), asker != nodeID, asker != relay,
            relayed < MeshTransportLimits.relayedLinksMax,
            let inner = acceptRelayed(by: relay, expecting: asker)
        else { return false }
        outer.addSink(to: stream)
        outer.carry(inner, over: stream)
        return true
    }
}

extension LinkConnection {
    /// Has a stream of this connection, which has no reader, carry another connection.
    fileprivate func carry(_ inner: LinkConnection, over stream: UInt32) {
        let carrier = StreamCarrier(inner, over: stream, of: self)
        streams[stream]?.sink = carrier
        inner.carried(by: carrier)
    }

    /// Opens a stream that no task reads.
    fileprivate func openSink(_ service: LinkService, first: [UInt8]) throws(LinkError) -> UInt32 {
        let stream = try openNumber(service, first: first)
        pump()
        return stream
    }

    fileprivate func addSink(to stream: UInt32) { streams[stream] = StreamBox() }
}
