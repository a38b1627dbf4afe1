import Mesh
import MeshTransport
import Testing
import Trust
import Wire

@testable import Node

/// The exchange of trust between nodes in one process, over real links, by a clock that is put ahead.
struct TrustServiceTests {
    let folder: TemporaryDirectory
    let clock = TestClock()
    let issuer: StateDirectory

    init() throws {
        folder = try TemporaryDirectory()
        issuer = try StateDirectory.sample(at: folder.path("issuer"))
    }

    private func joined(_ name: String) throws -> StateDirectory {
        let identity = Identity.generate()
        return try StateDirectory.create(
            at: folder.path(name), genesis: issuer.genesis, identity: identity,
            admission: JoinResponse.Admission(
                chain: try issuer.issue(
                    to: identity.nodeID, name: name, labels: [], now: clock.time),
                gateKey: try issuer.gateKeys().current, trust: try issuer.trust(), seeds: []),
            now: clock.time)
    }

    private func makeIssuer(_ state: StateDirectory, _ name: String) throws {
        try state.install(
            Grant(
                genesis: issuer.genesis,
                issuer: try issuer.issueIssuer(
                    to: state.identity.nodeID, name: name, authority: nil, keys: .none,
                    now: clock.time)), now: clock.time)
    }

    @Test func whatOneKnowsBothKnowAfterAnExchangeAndTheRevokedIsCutOff() async throws {
        let third = try joined("third").identity.nodeID
        let (a, b) = (
            try await TrustNode(issuer, clock), try await TrustNode(try joined("b"), clock)
        )
        a.knows(b)
        try await a.exchange(with: b)
        try await eventually { a.keeper.digest == b.keeper.digest }
        _ = try issuer.revoke(
            .member(third), reason: "", authority: nil, keys: .none, now: clock.time)
        #expect(a.keeper.isStale && !b.keeper.isStale)
        #expect(try a.keeper.reload())
        await a.service.changed(by: nil)
        // Over the link that stands, though the gate key is another one now.
        try await a.exchange(with: b)
        try await eventually { b.keeper.trust.isRevoked(third) }
        try await eventually { a.keeper.digest == b.keeper.digest }
        #expect(b.keeper.gateKeys.current.key.epoch.counter == 2)
        #expect(try b.directory.trust().isRevoked(third))
        await a.stop()
        await b.stop()
    }

    @Test func aNodeThatIsToldThatItWasRevokedSaysSoOnceAndGoesOn() async throws {
        let (a, b) = (
            try await TrustNode(issuer, clock), try await TrustNode(try joined("b"), clock)
        )
        let service = b.service
        await b.transport.setTurnedAwayHandler { service.turnedAway($0) }
        try await b.exchange(with: a)
        #expect(service.hearsay.words.isEmpty)
        _ = try issuer.revoke(
            .member(b.id), reason: "lost", authority: nil, keys: .none, now: clock.time)
        #expect(try a.keeper.reload())
        await a.service.changed(by: nil)
        try await eventually { service.hearsay.words.map(\.by) == [a.id] }
        #expect(service.hearsay.words.first?.text.contains("was revoked: lost") == true)
        #expect(service.hearsay.words.first?.text.hasPrefix("node-1 says") == true)
        // Back at it, by the catch-up lane, since the gate key is another one: told again.
        let link = try? await b.transport.catchUp(to: [a.address], expecting: a.id)
        if let link { _ = await service.exchange(over: link) }
        #expect(service.hearsay.words.count == 1)
        // It is a's word: nothing is proven here, and the node is not out.
        #expect(b.keeper.exclusion == nil && !b.keeper.trust.isRevoked(b.id))
        for node in [a, b] { await node.stop() }
    }

    @Test func aCertificateIsRenewedAtHalfItsLifeByAnIssuer() async throws {
        let (a, b) = (
            try await TrustNode(issuer, clock), try await TrustNode(try joined("b"), clock)
        )
        b.knows(a)
        let first = b.keeper.chain.member.body
        clock.advance(days: 4)
        // As the node does twice a day.
        for node in [a, b] {
            node.keeper.renewLinkKey()
            await node.service.apply(node.keeper.credentials)
        }
        try await b.renew()
        let second = b.keeper.chain.member.body
        #expect(second.notAfter == clock.time + TrustLimits.memberLifetimeMax)
        #expect(second.epoch > first.epoch && second.serial != first.serial)
        #expect((second.name, second.labels) == (first.name, first.labels))
        #expect(second.roles == first.roles)
        #expect(try b.directory.certificate().member.body == second)
        await a.stop()
        await b.stop()
    }

    @Test func aNodeThatWasAwayForAMonthFindsBackThroughTheCatchUpLane() async throws {
        let state = try joined("b")
        clock.advance(days: 31)
        // Meanwhile the gate key was rolled three times, and somebody was revoked.
        for _ in 0..<3 { try issuer.rollGateKey(keys: .none, now: clock.time) }
        _ = try issuer.revoke(
            .member(NodeID(number: 9)), reason: "", authority: nil, keys: .none, now: clock.time)
        let (a, b) = (try await TrustNode(issuer, clock), try await TrustNode(state, clock))
        b.knows(a)
        #expect(b.keeper.exclusion != nil)
        try await b.renew()
        #expect(b.keeper.exclusion == nil)
        #expect(b.keeper.trust.isRevoked(NodeID(number: 9)))
        // And a link of the mesh is made as if nothing had been.
        let link = try await persistently {
            try await b.transport.connect(to: [a.address], expecting: a.id)
        }
        #expect(link.lane == .member)
        try await eventually { a.keeper.digest == b.keeper.digest }
        await a.stop()
        await b.stop()
    }

    @Test func whoseCertificateIsOverLearnsOfRevocationsAndNotTheGateKey() async throws {
        let state = try joined("b")
        clock.advance(days: 31)
        // Not an issuer: it can't renew. It knows the key that b has, and the one that replaced it.
        let other = try joined("c")
        _ = try issuer.revoke(
            .member(NodeID(number: 9)), reason: "", authority: nil, keys: .none, now: clock.time)
        let (a, b, c) = (
            try await TrustNode(issuer, clock), try await TrustNode(state, clock),
            try await TrustNode(other, clock)
        )
        try await a.exchange(with: c)
        try await eventually { c.keeper.gateKeys.current.key.epoch.counter == 2 }
        let link = try await persistently {
            try await b.transport.catchUp(to: [c.address], expecting: c.id)
        }
        #expect(link.lane == .catchUp)
        #expect(await b.service.exchange(over: link))
        #expect(b.keeper.trust.isRevoked(NodeID(number: 9)))
        #expect(b.keeper.gateKeys.current.key.epoch.counter == 1)
        #expect(b.keeper.exclusion != nil)
        for node in [a, b, c] { await node.stop() }
    }

    @Test func anExpiredNodeThatWasRevokedIsNotLetBack() async throws {
        let state = try joined("b")
        _ = try issuer.revoke(
            .member(state.identity.nodeID), reason: "", authority: nil, keys: .none,
            now: clock.time)
        clock.advance(days: 31)
        let (a, b) = (try await TrustNode(issuer, clock), try await TrustNode(state, clock))
        b.knows(a)
        let before = b.keeper.chain
        #expect(!(await b.service.renewOwn()))
        #expect(b.keeper.chain == before)
        #expect(b.keeper.gateKeys.current.key != a.keeper.gateKeys.current.key)
        await a.stop()
        await b.stop()
    }

    @Test func bothHalvesOfAPartitionThatRolledTheKeyFindEachOther() async throws {
        let state = try joined("b")
        try makeIssuer(state, "b")
        try issuer.rollGateKey(keys: .none, now: clock.time)
        try state.rollGateKey(keys: .none, now: clock.time)
        let (a, b) = (try await TrustNode(issuer, clock), try await TrustNode(state, clock))
        #expect(a.keeper.gateKeys.current.key != b.keeper.gateKeys.current.key)
        // The ordinary way to make a link: the lane of members is silent, the other one opens.
        // On a machine that is busy with other tests a handshake may run out of time: it is made
        // again, as whoever needs a link does.
        let link = try await persistently {
            try await a.transport.connect(to: [b.address], expecting: b.id)
        }
        #expect(link.lane == .member)
        try await eventually {
            a.keeper.gateKeys.current.key == b.keeper.gateKeys.current.key
        }
        try await eventually { a.keeper.digest == b.keeper.digest }
        await a.stop()
        await b.stop()
    }

    @Test func anIssuerRollsTheGateKeyBeforeTheRightOfWhoRolledItLastEnds() async throws {
        let state = try joined("b")
        clock.advance(days: 200)
        try makeIssuer(state, "b")
        let b = try await TrustNode(state, clock)
        clock.advance(days: 190)
        await b.service.rollIfStale()
        #expect(b.keeper.gateKeys.current.key.epoch.counter == 1)
        clock.advance(days: 5)
        await b.service.rollIfStale()
        #expect(b.keeper.gateKeys.current.key.epoch.counter == 2)
        #expect(b.keeper.gateKeys.current.key.epoch.issuer == b.id)
        // Its own is good for long.
        await b.service.rollIfStale()
        #expect(b.keeper.gateKeys.current.key.epoch.counter == 2)
        await b.stop()
    }

    @Test func aNodeIsBriefedByAnIssuerOrAMajorityAndNotBefore() async throws {
        let (second, third, fourth) = (try joined("b"), try joined("c"), try joined("d"))
        // Another issuer, so that the first may be stale too.
        try makeIssuer(fourth, "d")
        let known = [issuer, second, third, fourth].map(\.identity.nodeID)
        let (b, c) = (
            try await TrustNode(second, clock, known: known),
            try await TrustNode(third, clock, known: known)
        )
        #expect(!b.keeper.isBriefed)
        try await b.exchange(with: c)
        // Two of four, itself among them, and no issuer.
        #expect(!b.keeper.isBriefed)
        let need = try #require(b.keeper.briefingNeed(names: [fourth.identity.nodeID: "d"]))
        #expect(need.wanted == 1 && need.awaited.count == 2)
        // An issuer that it knows, or one whom it knows as no issuer.
        #expect(need.reason.hasSuffix("from an issuer (node-1), or from d"))
        #expect(need.advice.contains("--authority FILE"))
        let a = try await TrustNode(issuer, clock, known: known)
        #expect(!a.keeper.isBriefed)
        #expect(a.keeper.briefingNeed(names: [:])?.advice.contains("--authority") == false)
        try await b.exchange(with: a)
        #expect(b.keeper.isBriefed && b.keeper.briefingNeed(names: [:]) == nil)
        // The issuer itself waits for a majority, in which it counts.
        #expect(!a.keeper.isBriefed)
        try await c.exchange(with: a)
        #expect(c.keeper.isBriefed)
        try await eventually { a.keeper.isBriefed }
        for node in [a, b, c] { await node.stop() }
    }

    @Test func theOnlyIssuerServesAtOnceUnlessTheAuthoritysKeyIsElsewhere() throws {
        let known = [NodeID(number: 5), NodeID(number: 6)]
        let time: @Sendable () -> WallTime = { [clock] in clock.time }
        #expect(try TrustKeeper(directory: issuer, known: known, now: time).isBriefed)
        try folder.remove("issuer/mesh/authority.key")
        let keeper = try TrustKeeper(directory: issuer, known: known, now: time)
        #expect(!keeper.isBriefed)
        let need = try #require(keeper.briefingNeed(names: [known[0]: "five"]))
        #expect(need.reason.contains("from 1 of the members that it knew"))
        #expect(need.awaited.contains("five") && need.awaited.contains(known[1].short))
        // Nobody waits for those that it has revoked.
        for node in known {
            _ = try issuer.revoke(
                .member(node), reason: "", authority: nil, keys: .none, now: clock.time)
        }
        #expect(try TrustKeeper(directory: issuer, known: known, now: time).isBriefed)
    }

    @Test func aPeerWithoutTheRoleOfAClientIsNotServedNorByANodeThatIsNoServer() async throws {
        func member(_ roles: Roles) throws -> VerifiedMember {
            let chain = try issuer.issue(
                to: NodeID(number: 5), name: "five", labels: [], roles: roles, now: clock.time)
            return try chain.verify(genesis: issuer.genesis, at: clock.time, trust: nil)
        }
        let time: @Sendable () -> WallTime = { [clock] in clock.time }
        let keeper = try TrustKeeper(directory: issuer, known: [], now: time)
        let gate = ServingGate(keeper: keeper)
        #expect(gate.objection(to: try member(.ordinary)) == nil)
        #expect(gate.objection(to: try member([.client])) == nil)
        #expect(gate.objection(to: try member([.server]))?.code == .notAllowed)

        let identity = Identity.generate()
        let state = try StateDirectory.create(
            at: folder.path("client"), genesis: issuer.genesis, identity: identity,
            admission: JoinResponse.Admission(
                chain: try issuer.issue(
                    to: identity.nodeID, name: "client", labels: [], roles: [.client],
                    now: clock.time),
                gateKey: try issuer.gateKeys().current, trust: try issuer.trust(), seeds: []),
            now: clock.time)
        let own = ServingGate(keeper: try TrustKeeper(directory: state, known: [], now: time))
        #expect(own.objection(to: try member(.ordinary))?.code == .modelNotHere)

        let waiting = ServingGate(
            keeper: try TrustKeeper(directory: state, known: [NodeID(number: 7)], now: time))
        #expect(waiting.objection(to: try member(.ordinary))?.code == .notReady)
    }
}
