import Foundation
import MeshTransport
import Testing
import Trust
import Wire

@testable import Node

/// What cannot be written down counts all the same.
struct TrustStoringTests {
    let folder: TemporaryDirectory
    let clock = TestClock()
    let issuer: StateDirectory
    let keeper: TrustKeeper
    private let other = NodeID(number: 9)

    init() throws {
        folder = try TemporaryDirectory()
        issuer = try StateDirectory.sample(at: folder.path("issuer"))
        let identity = Identity.generate()
        let member = try StateDirectory.create(
            at: folder.path("b"), genesis: issuer.genesis, identity: identity,
            admission: JoinResponse.Admission(
                chain: try issuer.issue(
                    to: identity.nodeID, name: "b", labels: [], now: clock.time),
                gateKey: try issuer.gateKeys().current, trust: try issuer.trust(), seeds: []),
            now: clock.time)
        let time: @Sendable () -> WallTime = { [clock] in clock.time }
        keeper = try TrustKeeper(directory: member, known: [other], now: time)
    }

    /// What the issuer tells after it has revoked a node.
    private func news() throws -> TrustBulletin {
        _ = try issuer.revoke(
            .member(other), reason: "", authority: nil, keys: .none, now: clock.time)
        return TrustBulletin(
            state: try issuer.trust(), gateKey: try issuer.gateKeys().current, seeds: [])
    }

    /// Keeps the member from changing its files, also where the tests run as the superuser.
    private func makeReadOnly() throws {
        let lock = folder.path("b/mesh/lock")
        try? FileManager.default.removeItem(atPath: lock)
        try FileManager.default.createDirectory(
            atPath: lock, withIntermediateDirectories: false)
    }

    private func makeWritable() throws {
        try FileManager.default.removeItem(atPath: folder.path("b/mesh/lock"))
    }

    @Test func whatCannotBeStoredCountsAtOnceAndIsWrittenWhenThatIsPossible() throws {
        try makeReadOnly()
        let before = try folder.bytes("b/mesh/trust")
        let taken = try keeper.take(try news())
        guard case .failed = taken.storing else {
            Issue.record("\(taken)")
            return
        }
        #expect(taken.isNews && keeper.storageFault != nil)
        #expect(keeper.trust.isRevoked(other))
        #expect(keeper.credentials.trust.isRevoked(other))
        #expect(keeper.gateKeys.current.key.epoch.counter == 2)
        #expect(keeper.credentials.gateKey == (try issuer.gateKey()))
        // What was stored is as it was.
        #expect(try folder.bytes("b/mesh/trust") == before)
        #expect(!(try keeper.directory.trust()).isRevoked(other))
        // It is said once; reading the files again forgets nothing.
        guard case .same = keeper.store() else {
            Issue.record("said twice")
            return
        }
        #expect(!(try keeper.reload()))
        #expect(keeper.trust.isRevoked(other) && keeper.storageFault != nil)

        try makeWritable()
        guard case .mended = keeper.store() else {
            Issue.record("\(String(describing: keeper.storageFault))")
            return
        }
        #expect(keeper.storageFault == nil)
        #expect(try keeper.directory.trust().isRevoked(other))
        #expect(try keeper.directory.gateKeys().current.key.epoch.counter == 2)
    }

    @Test func whatACommandWritesMeanwhileIsKept() throws {
        try makeReadOnly()
        _ = try keeper.take(try news())
        try makeWritable()
        // As if by `mesh certify --install`, before the next attempt.
        let third = try issuer.issueIssuer(
            to: keeper.directory.identity.nodeID, name: "b", authority: nil, keys: .none,
            now: clock.time)
        try keeper.directory.install(
            Grant(genesis: issuer.genesis, issuer: third), now: clock.time)
        _ = keeper.store()
        #expect(try keeper.reload())
        for trust in [keeper.trust, try keeper.directory.trust()] {
            #expect(trust.isRevoked(other) && trust.issuer(third.body.subject) != nil)
        }
    }

    @Test func aKeyThatIsNotBelievedTakesNothingFromTheRevocationsBesideIt() throws {
        let stranger = Identity.generate()
        var bulletin = try news()
        bulletin = TrustBulletin(
            state: bulletin.state,
            gateKey: SignedGateKey(
                .generate(epoch: GateKey.Epoch(counter: 7, issuer: stranger.nodeID)),
                signedBy: stranger, certificate: nil, mesh: issuer.genesis.id), seeds: [])
        let taken = try keeper.take(bulletin)
        #expect(taken.keyRefusal != nil && taken.isNews)
        #expect(keeper.trust.isRevoked(other))
        #expect(keeper.gateKeys.current.key.epoch.counter == 1)
        #expect(try keeper.directory.trust().isRevoked(other))
    }
}
