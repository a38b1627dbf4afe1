public import Mesh
internal import NIOCore
internal import Synchronization
internal import Trust
public import Wire

extension LinkTransport {
    /// A link to whichever member answers at an address: for addresses that come without a node's
    /// id. Any certified member of the mesh will do, except this node itself.
    ///
    /// When there is a link to that member already, the new connection is given up before this side
    /// has said who it is, and the link that stands is not touched.
    ///
    /// - Parameter address: A numeric one: a name's addresses are to be tried one by one.
    /// - Returns: The member that answered.
    /// - Throws: ``LinkError/selfDial`` when the address leads back to this node.
    public func connect(toAnyMemberAt address: NetworkAddress) async throws(LinkError) -> NodeID {
        do { return try await dial(anyMemberAt: address) } catch .silentlyRefused {
            guard await caughtUp(at: address, expecting: nil) else { throw .silentlyRefused }
            return try await dial(anyMemberAt: address)
        } catch { throw error }
    }

    private func dial(anyMemberAt address: NetworkAddress) async throws(LinkError) -> NodeID {
        let hub = hub
        let linked = LinkedMember()
        do throws(LinkError) {
            let connection = try await dialOnce(address, on: loop) { completion in
                let verifier = UnlinkedVerifier(
                    base: hub.value.verifier, hub: hub, linked: linked)
                return Result { () throws(LinkError) in
                    let connection = try hub.value.dialMember(
                        expecting: nil, verifier: verifier, then: completion)
                    connection.dialled = address
                    return connection
                }
            }
            let link = await loop.run { hub.value.handle(of: connection.value) }
            guard let link else { throw .lost("the link ended at once") }
            return link.peer.nodeID
        } catch {
            if let node = linked.node { return node }
            throw error
        }
    }
}

/// The member that answered and that there was a link to already.
private final class LinkedMember: Sendable {
    private let found = Mutex<NodeID?>(nil)

    var node: NodeID? {
        get { found.withLock { $0 } }
        set { found.withLock { $0 = newValue } }
    }
}

/// Refuses, after it was verified, a member that there is a link to: a second link would end the
/// first with all its streams.
private struct UnlinkedVerifier: LinkVerifier {
    let base: MemberVerifier
    let hub: NIOLoopBound<LinkHub>
    let linked: LinkedMember

    func verify(
        payload: [UInt8], staticKey: LinkKey, standing: LinkStanding
    ) throws(LinkError) -> LinkPeer {
        let peer = try base.verify(payload: payload, staticKey: staticKey, standing: standing)
        // Called while the handshake is driven, which is on the links' loop.
        guard hub.value.links[peer.nodeID] == nil else {
            linked.node = peer.nodeID
            throw .cancelled
        }
        return peer
    }
}
