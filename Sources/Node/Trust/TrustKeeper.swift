import Gossip
import Logging
import Mesh
import MeshTransport
import Synchronization
import Trust
import Wire

// Trust while a node runs.
//
//   TrustKeeper             what the node knows and acts by, in memory
//   TrustKeeper+Storing     the same on disk, as soon as that is possible
//   TrustService            when to exchange it with whom, and the answers to others
//   TrustService+Renewal    the node's own certificate, and those of others
//
// What is merged, and how, is in `Trust`; here it is moved.

/// Bounds of the exchange of trust.
enum TrustServiceLimits {
    /// How often the directory's files are looked at: a command may have changed them.
    static let lookInterval: Duration = .seconds(1)
    /// How often a random member is asked whether it knows more.
    static let exchangeInterval: Duration = .seconds(30)
    /// The most members told at once.
    static let pushesAtOnce = 16
    /// To how many members, drawn at random, what another told is passed on.
    static let forwardsMax = 16
    /// The time for one exchange, dialling apart.
    static let exchangeDeadline: Duration = .seconds(10)
    /// How often an issuer looks whether the gate key is still one that others would take.
    static let gateKeyLook: Duration = .seconds(300)
    /// It rolls the key so long before the certificate of who rolled it last ends.
    static let gateKeyAhead: Duration = .seconds(7 * 86_400)
    /// The first pause between attempts to renew or to catch up, and the longest: it doubles.
    static let retryFirst: Duration = .seconds(1)
    static let retryMax: Duration = .seconds(60)
    /// When a node that is not briefed begins to look for somebody to hear from; it doubles.
    static let briefingFirst: Duration = .milliseconds(250)
    /// How long a request of a peer waits for this node to be briefed, as it is about to be after its
    /// start.
    static let briefingPatience: Duration = .seconds(3)
    /// The most addresses dialled in one attempt to catch up.
    static let catchUpDialsMax = 16
}

/// What a node knows about trust, in memory as on disk, and its own credentials.
final class TrustKeeper: Sendable {
    struct State: Sendable {
        var trust: TrustState
        var gateKeys: GateKeyRing
        var chain: CertificateChain
        var linkKey: LinkKeyPair
        var stamp: [[UInt64]]
        var briefing: BriefingCore
        /// Whether there is more here than on disk.
        var isUnstored = false
        /// Why it could not be written there.
        var storageFault: StateError?
    }

    let directory: StateDirectory
    let now: @Sendable () -> WallTime
    let state: Mutex<State>
    /// Held by whoever changes what is known, so that checking signatures and writing files keep
    /// nobody waiting who only reads it.
    let changing = Mutex(())

    /// - Parameter known: The members of earlier runs.
    init(
        directory: StateDirectory, known: [NodeID], now: @escaping @Sendable () -> WallTime
    ) throws(StateError) {
        self.directory = directory
        self.now = now
        let stamp = directory.trustStamp()
        let chain = try directory.certificate(now: now())
        let trust = try directory.trust()
        do throws(TrustError) {
            // An expired one may come back by the catch-up lane; a wrong one never.
            _ = try chain.verify(
                genesis: directory.genesis, at: now(), trust: nil, allowingExpired: true)
        } catch {
            throw .trust(error)
        }
        state = Mutex(
            State(
                trust: trust, gateKeys: try directory.gateKeys(), chain: chain,
                linkKey: .generate(now: now()), stamp: stamp,
                briefing: BriefingCore(
                    node: directory.identity.nodeID, known: known, trust: trust,
                    holdsAuthority: directory.holdsAuthorityKey)))
    }

    var trust: TrustState { state.withLock { $0.trust } }
    var gateKeys: GateKeyRing { state.withLock { $0.gateKeys } }
    var chain: CertificateChain { state.withLock { $0.chain } }
    var isBriefed: Bool { state.withLock { $0.briefing.isBriefed } }
    var briefing: BriefingCore { state.withLock { $0.briefing } }

    /// What the links and the gossip are to use.
    var credentials: LinkCredentials {
        state.withLock { state in
            LinkCredentials(
                identity: directory.identity, chain: state.chain, genesis: directory.genesis,
                gateKeys: state.gateKeys, trust: state.trust, linkKey: state.linkKey)
        }
    }

    /// This node as its certificate describes it.
    var member: VerifiedMember {
        get throws(TrustError) {
            try chain.verify(
                genesis: directory.genesis, at: now(), trust: nil, allowingExpired: true)
        }
    }

    /// Why the mesh does not accept this node now; nil when it does, as far as is known here.
    var exclusion: TrustError? {
        do throws(TrustError) {
            _ = try chain.verify(genesis: directory.genesis, at: now(), trust: trust)
            return nil
        } catch {
            return error
        }
    }

    /// Whether this node can certify.
    var isIssuer: Bool {
        (try? directory.issuerCertificate(trust, now: now())) ?? nil != nil
    }

    /// The digest by which members see whether they differ.
    var digest: [UInt8] {
        state.withLock { TrustBulletin.digest(state: $0.trust, gateKey: $0.gateKeys.current.key) }
    }

    /// What this node tells.
    ///
    /// - Parameter withKey: Whether the other may have the gate key.
    func bulletin(withKey: Bool, seeds: [SeedAddress]) -> TrustBulletin {
        state.withLock {
            TrustBulletin(
                state: $0.trust, gateKey: withKey ? $0.gateKeys.current : nil, seeds: seeds)
        }
    }

    /// Uses a new link key from now on.
    func renewLinkKey() { state.withLock { $0.linkKey = .generate(now: now()) } }

    /// Another member's knowledge was taken in, or is the same as this node's.
    ///
    /// - Returns: Whether the node is briefed by that, and was not before.
    func exchanged(with node: NodeID) -> Bool {
        state.withLock { state in
            let before = state.briefing.isBriefed
            state.briefing.exchanged(
                with: node, isIssuer: state.trust.issuer(node) != nil)
            return state.briefing.isBriefed && !before
        }
    }
}
