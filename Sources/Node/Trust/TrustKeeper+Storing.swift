import Synchronization
import Trust
import Wire

// What a node was told counts from the moment that it was checked, whether or not it can be written
// down: a full disk must not keep a revoked node in. What could not be written is kept here and
// written as soon as that is possible. When the node ends before, it has forgotten it, and is in the
// place of any node that was away: it serves nobody until it is briefed.
extension TrustKeeper {
    /// What became of what was told.
    struct Taken: Sendable {
        /// Whether anything is other than before.
        var isNews: Bool
        /// Why the gate key that came along is not believed; the rest counts all the same.
        var keyRefusal: TrustError?
        var storing: Storing
    }

    /// What an attempt to write down what is known has changed.
    enum Storing: Sendable {
        /// Nothing: all is written, or it still cannot be.
        case same
        /// It cannot be written any more.
        case failed(StateError)
        /// It can be again, and is.
        case mended
    }

    /// Why what is known cannot be written down; nil when it is.
    var storageFault: StateError? { state.withLock { $0.storageFault } }

    /// Whether there is more in memory than on disk.
    var isUnstored: Bool { state.withLock { $0.isUnstored } }

    /// Whether a file changed since it was read.
    var isStale: Bool {
        let stamp = directory.trustStamp()
        return state.withLock { $0.stamp != stamp }
    }

    /// Takes in what another told: here, then on disk if that can be.
    ///
    /// - Throws: ``StateError/trust(_:)`` for what is not believed; nothing is changed then.
    func take(_ bulletin: TrustBulletin) throws(StateError) -> Taken {
        try changing.withLock { (_) throws(StateError) -> Taken in
            var (trust, ring) = state.withLock { ($0.trust, $0.gateKeys) }
            var keyRefusal: TrustError?
            do throws(TrustError) {
                try trust.merge(bulletin.state, genesis: directory.genesis)
            } catch {
                throw .trust(error)
            }
            ring.settle(trust)
            if let key = bulletin.gateKey {
                // A key that is not believed takes nothing from the revocations beside it.
                do throws(TrustError) {
                    try ring.merge(key, genesis: directory.genesis, at: now(), trust: trust)
                } catch {
                    keyRefusal = error
                }
            }
            let isNews = use(trust, ring)
            if isNews { state.withLock { $0.isUnstored = true } }
            return Taken(isNews: isNews, keyRefusal: keyRefusal, storing: storeInOrder())
        }
    }

    /// Reads the files again. What is known here and not there still counts.
    ///
    /// - Returns: Whether anything is other than before.
    func reload() throws(StateError) -> Bool {
        try changing.withLock { (_) throws(StateError) -> Bool in
            let stamp = directory.trustStamp()
            let (storedTrust, storedKeys) = (try directory.trust(), try directory.gateKeys())
            let chain = try directory.certificate(now: now())
            var (trust, ring) = state.withLock { ($0.trust, $0.gateKeys) }
            do throws(TrustError) {
                try trust.merge(storedTrust, genesis: directory.genesis)
            } catch {
                throw .trust(error)
            }
            ring.merge(storedKeys, trust: trust)
            let isNews = use(trust, ring)
            return state.withLock { state in
                let isRenewed = state.chain != chain
                state.chain = chain
                state.stamp = stamp
                state.isUnstored = trust != storedTrust || ring != storedKeys
                return isNews || isRenewed
            }
        }
    }

    /// Tries again to write down what is known and not yet written.
    func store() -> Storing { changing.withLock { _ in storeInOrder() } }

    /// Acts by these from now on. Returns whether they are other than before.
    private func use(_ trust: TrustState, _ ring: GateKeyRing) -> Bool {
        state.withLock { state in
            let isNews = state.trust != trust || state.gateKeys != ring
            state.trust = trust
            state.gateKeys = ring
            state.briefing.forget(trust.revokedMembers)
            return isNews
        }
    }

    private func storeInOrder() -> Storing {
        let (isUnstored, trust, ring) = state.withLock {
            ($0.isUnstored, $0.trust, $0.gateKeys)
        }
        guard isUnstored else {
            // Perhaps a command has written the same.
            return state.withLock { state in
                defer { state.storageFault = nil }
                return state.storageFault == nil ? .same : .mended
            }
        }
        var fault: StateError?
        do throws(StateError) {
            // Merged with what a command may have written meanwhile, which is read soon.
            try directory.updateTrust { (stored, keys) throws(TrustError) in
                try stored.merge(trust, genesis: directory.genesis)
                keys.merge(ring, trust: stored)
            }
        } catch {
            fault = error
        }
        return state.withLock { state in
            defer { state.storageFault = fault }
            state.isUnstored = fault != nil
            switch (state.storageFault, fault) {
            case (nil, let fault?): return .failed(fault)
            case (_?, nil): return .mended
            case (nil, nil), (_?, _?): return .same
            }
        }
    }
}
