public import Mesh
internal import NIOCore
internal import Noise
public import Trust
public import Wire

// The catch-up lane: how a member that was away while the gate key was rolled finds back, and how
// one finds a member that was.
extension LinkTransport {
    /// A link on the catch-up lane, on which only streams of ``LinkService/trust`` are answered. It
    /// is no link of the mesh: nobody is told of it, and it is the caller's to close.
    ///
    /// Tries the current key first, which is the one that others have replaced when this node was
    /// away; then the newest that it replaced itself, and of the others a few by chance.
    ///
    /// - Parameter peer: The node that must answer; nil accepts any member. Its certificate may have
    ///   run out, and so may this node's.
    public func catchUp(
        to addresses: [NetworkAddress], expecting peer: NodeID?
    ) async throws(LinkError) -> Link {
        var failures: [(address: NetworkAddress, error: LinkError)] = []
        for address in addresses.prefix(LinkLimits.dialAddressesMax) {
            do {
                return try await catchUp(at: address, expecting: peer)
            } catch { failures.append((address, error)) }
        }
        if failures.count == 1 { throw failures[0].error }
        throw .unreachable(failures.map { "\($0.address): \($0.error)" })
    }

    private func catchUp(
        at address: NetworkAddress, expecting peer: NodeID?
    ) async throws(LinkError) -> Link {
        let (hub, loop) = (hub, loop)
        let keys = await loop.run { hub.value.gateKeys }
        guard let keys else { throw .unknownLane }
        var tried = [keys.current.key] + keys.superseded.prefix(1).map(\.key)
        tried += keys.superseded.dropFirst().shuffled().map(\.key)
        var failure = LinkError.unknownLane
        for key in tried.prefix(MeshTransportLimits.catchUpKeysMax) {
            if Task.isCancelled { throw .cancelled }
            do {
                let connection = try await dialOnce(address, on: loop) { completion in
                    Result { () throws(LinkError) in
                        guard let preamble = LinkPreamble(lane: .catchUp, keyID: key.keyID) else {
                            throw .unknownLane
                        }
                        return try hub.value.dial(
                            preamble: preamble, preSharedKey: key.preSharedSecret, expecting: peer,
                            then: completion)
                    }
                }
                let link = await loop.run { hub.value.handle(of: connection.value) }
                if let link { return link }
                failure = .lost("the link ended at once")
            } catch .silentlyRefused {
                // Not a key of theirs; perhaps the next one is.
                failure = .silentlyRefused
            } catch { throw error }
        }
        throw failure
    }

    /// Has what an address that met the member lane with silence led to on the catch-up lane handed
    /// to `handler`: it exchanges trust with the peer, and says whether that changed something here,
    /// so that dialling again makes sense. The link is closed after it.
    public func setCatchUpHandler(
        _ handler: (@Sendable (Link) async -> Bool)?
    ) async {
        let hub = hub
        await loop.run { hub.value.catchUpHandler = handler }
    }

    /// After silence on the member lane: whether a catch-up changed something here.
    func caughtUp(at address: NetworkAddress, expecting peer: NodeID?) async -> Bool {
        let hub = hub
        let handler: (@Sendable (Link) async -> Bool)? = await loop.run {
            hub.value.mayCatchUp(at: address) ? hub.value.catchUpHandler : nil
        }
        guard let handler, let link = try? await catchUp(at: address, expecting: peer) else {
            return false
        }
        defer { link.close(.done) }
        return await handler(link)
    }
}

extension LinkHub {
    /// Whether an address may be tried on the catch-up lane now: silence is what a busy node says
    /// too.
    fileprivate func mayCatchUp(at address: NetworkAddress) -> Bool {
        guard catchUpHandler != nil else { return false }
        let now = now
        if let last = caughtUp[address], now - last < MeshTransportLimits.catchUpInterval {
            return false
        }
        if caughtUp.count >= MeshTransportLimits.catchUpsKept {
            caughtUp = caughtUp.filter { now - $0.value < MeshTransportLimits.catchUpInterval }
            // All of them fresh: more at once than anyone needs.
            guard caughtUp.count < MeshTransportLimits.catchUpsKept else { return false }
        }
        caughtUp[address] = now
        return true
    }
}
