import Testing
import Wire

@testable import Trust

struct GateKeyRingTests {
    let mesh: SampleMesh
    let now = SampleMesh.now
    let second: Identity

    init() throws {
        mesh = try SampleMesh()
        second = try #require(Identity(seed: [UInt8](repeating: 8, count: 32)))
    }

    private func signed(
        _ counter: UInt64, by issuer: Identity? = nil
    ) throws -> SignedGateKey {
        let issuer = issuer ?? mesh.authority
        let certificate =
            issuer === mesh.authority
            ? nil : try mesh.issuerCertificate { $0.subject = issuer.nodeID }
        return SignedGateKey(
            .generate(epoch: .init(counter: counter, issuer: issuer.nodeID)), signedBy: issuer,
            certificate: certificate, mesh: mesh.genesis.id)
    }

    private func ring(
        _ keys: [SignedGateKey], trust: TrustState = TrustState()
    ) throws -> GateKeyRing {
        var ring = GateKeyRing(keys[0])
        for key in keys.dropFirst() {
            try ring.merge(key, genesis: mesh.genesis, at: now, trust: trust)
        }
        return ring
    }

    @Test func theGreaterEpochIsUsedAndTheLesserKeptWhateverTheOrder() throws {
        let keys = [try signed(1), try signed(2), try signed(2, by: second), try signed(3)]
        let ordered = keys.sorted { $0.key.epoch > $1.key.epoch }
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
            let ring = try ring(order.map { keys[$0] })
            #expect(ring.current == keys[3])
            #expect(ring.superseded == Array(ordered.dropFirst()))
            try checkRing(ring)
        }
    }

    private func checkRing(_ ring: GateKeyRing) throws {
        let read = try GateKeyRing(decoding: ring.encoded)
        #expect(read == ring && read.encoded == ring.encoded)
        for key in [ring.current] + ring.superseded {
            let found = try #require(read.key(withID: key.key.keyID))
            #expect(found.key == key.key && found.isCurrent == (key == ring.current))
        }
        #expect(read.key(withID: [UInt8](repeating: 0, count: 8)) == nil)
        #expect(read.key(withID: []) == nil)
    }

    @Test func anOutcomeSaysWhatBecameOfAKey() throws {
        var ring = try ring([signed(2)])
        let trust = TrustState()
        func outcome(_ key: SignedGateKey) throws -> GateKeyRing.Outcome {
            try ring.merge(key, genesis: mesh.genesis, at: now, trust: trust)
        }
        let (low, high) = (try signed(1), try signed(3))
        #expect(try outcome(ring.current) == .known)
        #expect(try outcome(low) == .superseded)
        #expect(try outcome(low) == .known)
        #expect(try outcome(high) == .current)
        #expect(try outcome(high) == .known)
    }

    @Test func aKeyThatNobodyMayMakeChangesNothing() throws {
        var ring = try ring([signed(1)])
        let before = ring
        let forged = SignedGateKey(
            .generate(epoch: .init(counter: 9, issuer: mesh.node.nodeID)), signedBy: mesh.node,
            certificate: nil, mesh: mesh.genesis.id)
        #expect(throws: TrustError.wrongIssuer) {
            try ring.merge(forged, genesis: mesh.genesis, at: now, trust: TrustState())
        }
        let late = now + TrustLimits.issuerLifetimeMax
        #expect(throws: TrustError.expired(what: "issuer's certificate", at: late)) {
            try ring.merge(
                signed(9, by: second), genesis: mesh.genesis, at: late, trust: TrustState())
        }
        #expect(ring == before)
        // One that is held already stays when its issuer's time is over.
        var held = try self.ring([signed(9, by: second)])
        #expect(
            try held.merge(held.current, genesis: mesh.genesis, at: late, trust: TrustState())
                == .known)
    }

    @Test func aKnownKeyWithANewerCertificateOfItsIssuerTakesItsPlace() throws {
        let old = try signed(5, by: second)
        let renewed = SignedGateKey(
            old.key, signedBy: second,
            certificate: try mesh.issuerCertificate {
                ($0.subject, $0.epoch, $0.serial) = (second.nodeID, 2, 9)
            }, mesh: mesh.genesis.id)
        for keys in [[old, renewed], [renewed, old]] {
            var ring = GateKeyRing(keys[0])
            #expect(
                try ring.merge(keys[1], genesis: mesh.genesis, at: now, trust: TrustState())
                    == .known)
            #expect(ring.current == renewed && ring.superseded.isEmpty)
        }
    }

    @Test func twoKeysOfOneEpochLeaveTheSameOneEverywhere() throws {
        // A dishonest issuer, or one restored from a copy.
        let (one, two) = (try signed(5, by: second), try signed(5, by: second))
        let left = try ring([one, two])
        let right = try ring([two, one])
        #expect(left == right && left.superseded.isEmpty)
    }

    @Test func rollingOutranksAllAndNobodyElseMay() throws {
        var ring = try ring([signed(4), signed(7, by: second)])
        let trust = try mesh.trust()
        let rolled = try ring.roll(
            by: mesh.issuer, certificate: mesh.issuerCertificate(), genesis: mesh.genesis,
            at: now, trust: trust)
        #expect(rolled.key.epoch == .init(counter: 8, issuer: mesh.issuer.nodeID))
        #expect(ring.current == rolled && ring.superseded.count == 2)
        let before = ring
        #expect(throws: TrustError.wrongIssuer) {
            try ring.roll(
                by: mesh.node, certificate: nil, genesis: mesh.genesis, at: now, trust: trust)
        }
        let late = now + TrustLimits.issuerLifetimeMax
        #expect(throws: TrustError.expired(what: "issuer's certificate", at: late)) {
            try ring.roll(
                by: mesh.issuer, certificate: mesh.issuerCertificate(), genesis: mesh.genesis,
                at: late, trust: trust)
        }
        #expect(ring == before)
    }

    @Test func bothHalvesOfAPartitionEndWithOneKeyAndKnowTheOthers() throws {
        let start = try signed(1)
        let trust = try mesh.trust()
        var (left, right) = (GateKeyRing(start), GateKeyRing(start))
        for _ in 0..<2 {
            try left.roll(
                by: mesh.issuer, certificate: mesh.issuerCertificate(), genesis: mesh.genesis,
                at: now, trust: trust)
        }
        let secondCertificate = try mesh.issuerCertificate { $0.subject = second.nodeID }
        try right.roll(
            by: second, certificate: secondCertificate, genesis: mesh.genesis, at: now,
            trust: trust)
        let (leftKey, rightKey) = (left.current, right.current)
        try left.merge(rightKey, genesis: mesh.genesis, at: now, trust: trust)
        try right.merge(leftKey, genesis: mesh.genesis, at: now, trust: trust)
        #expect(left.current == right.current && left.current == leftKey)
        for ring in [left, right] {
            #expect(ring.key(withID: rightKey.key.keyID)?.isCurrent == false)
            #expect(ring.key(withID: start.key.keyID)?.isCurrent == false)
        }
    }

    @Test func aRogueIssuersCounterCannotHoldTheMesh() throws {
        let rogueKey = try signed(.max - 1, by: second)
        var trust = try mesh.trust()
        var stuck = try ring([signed(3), rogueKey], trust: trust)
        #expect(stuck.current == rogueKey)
        #expect(throws: TrustError.tooMany("gate keys", limit: .max)) {
            try stuck.roll(
                by: mesh.authority, certificate: nil, genesis: mesh.genesis, at: now, trust: trust)
        }
        // The authority revokes it and rolls; both arrive elsewhere in either order.
        let unaware = stuck
        try trust.revoke(
            .issuer(second.nodeID, honouredThrough: 0), signedBy: mesh.authority,
            genesis: mesh.genesis, at: now)
        let rolled = try stuck.roll(
            by: mesh.authority, certificate: nil, genesis: mesh.genesis, at: now, trust: trust)
        #expect(rolled.key.epoch.counter == 4 && stuck.current == rolled)
        try checkRing(stuck)
        var keyFirst = unaware
        #expect(
            try keyFirst.merge(rolled, genesis: mesh.genesis, at: now, trust: TrustState())
                == .superseded)
        let isAnother = keyFirst.settle(trust)
        #expect(isAnother && keyFirst.current == rolled)
        let isAnotherAgain = keyFirst.settle(trust)
        #expect(!isAnotherAgain)
        var stateFirst = unaware
        stateFirst.settle(trust)
        try stateFirst.merge(rolled, genesis: mesh.genesis, at: now, trust: trust)
        #expect(stuck == keyFirst && stuck == stateFirst)
    }

    @Test func theCurrentKeyOfARevokedIssuerStaysUntilThereIsAnother() throws {
        let only = try signed(1, by: second)
        var trust = TrustState()
        try trust.revoke(
            .issuer(second.nodeID, honouredThrough: 0), signedBy: mesh.authority,
            genesis: mesh.genesis, at: now)
        var ring = GateKeyRing(only)
        let isAnother = ring.settle(trust)
        #expect(!isAnother && ring.current == only)
        #expect(
            try ring.merge(only, genesis: mesh.genesis, at: now, trust: trust) == .known)
    }

    @Test func olderKeysThanAreKeptGo() throws {
        var ring = try ring([signed(1)])
        let first = ring.current
        for _ in 0..<TrustLimits.gateKeysKept {
            try ring.roll(
                by: mesh.authority, certificate: nil, genesis: mesh.genesis, at: now,
                trust: TrustState())
        }
        #expect(ring.superseded.count == TrustLimits.gateKeysKept)
        #expect(ring.key(withID: first.key.keyID) != nil)
        try ring.roll(
            by: mesh.authority, certificate: nil, genesis: mesh.genesis, at: now,
            trust: TrustState())
        #expect(ring.superseded.count == TrustLimits.gateKeysKept)
        #expect(ring.key(withID: first.key.keyID) == nil)
        #expect(ring.encoded.count < TrustLimits.gateKeyRingBytesMax)
    }

    @Test(arguments: UInt64(1)...10)
    func ringsThatHeardTheSameKeysAreAlike(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        var trust = try mesh.trust()
        if Bool.random(using: &generator) {
            try trust.revoke(
                .issuer(second.nodeID, honouredThrough: 0), signedBy: mesh.authority,
                genesis: mesh.genesis, at: now)
        }
        let start = try signed(1)
        let keys = try (0..<8).map { _ in
            try signed(
                .random(in: 1...5, using: &generator),
                by: [mesh.authority, second].randomElement(using: &generator))
        }
        // Before the revocation was known.
        let rings = try (0..<4).map { _ in
            var ring = try ring([start] + keys.shuffled(using: &generator))
            ring.settle(trust)
            return ring
        }
        #expect(rings.allSatisfy { $0 == rings[0] }, "seed \(seed)")
    }

    @Test func aRingHasOneEncodingAndItsCountIsBounded() throws {
        try checkCodec(try ring([signed(1), signed(2, by: second)]))
        let keys = [try signed(3), try signed(2), try signed(1)]
        func bytes(_ keys: [SignedGateKey]) -> [UInt8] {
            var writer = ByteWriter()
            writer.writeInteger(UInt8(1))
            keys[0].encode(to: &writer)
            writer.writeInteger(UInt16(keys.count - 1))
            for key in keys.dropFirst() { key.encode(to: &writer) }
            return writer.bytes
        }
        #expect(throws: Never.self) { _ = try GateKeyRing(decoding: bytes(keys)) }
        for wrong in [
            [keys[0], keys[2], keys[1]], [keys[0], keys[0]], [keys[0], keys[1], keys[1]],
        ] {
            #expect(throws: WireError.nonCanonical(field: "superseded gate keys")) {
                _ = try GateKeyRing(decoding: bytes(wrong))
            }
        }
        var many = bytes([keys[0]]).dropLast(2)
        many += [0, UInt8(TrustLimits.gateKeysKept + 1)]
        #expect(
            throws: WireError.tooLarge(
                field: "superseded gate keys", value: TrustLimits.gateKeysKept + 1,
                limit: TrustLimits.gateKeysKept)
        ) { _ = try GateKeyRing(decoding: many) }
        var dumped = ""
        dump(try ring([signed(1)]), to: &dumped)
        #expect(dumped.count < 120)
    }
}
