import Testing
import Wire

@testable import Trust

/// SplitMix64, so that a failing run can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// Statements by an authority and three issuers, some of which say contradictory things, lose count or
/// are revoked, and states that know some of them.
struct StatementPool {
    let mesh: SampleMesh
    let issuers: [Identity]
    var certificates: [Certificate] = []
    var revocations: [Revocation] = []

    init(using generator: inout SeededGenerator) throws {
        mesh = try SampleMesh()
        issuers = try (0..<3).map {
            try #require(Identity(seed: [UInt8](repeating: UInt8(20 + $0), count: 32)))
        }
        for issuer in issuers {
            for epoch in 1...2 as ClosedRange<UInt32> {
                certificates.append(
                    try mesh.issuerCertificate {
                        ($0.subject, $0.epoch, $0.serial) = (issuer.nodeID, epoch, UInt64(epoch))
                    })
            }
            for _ in 0..<6 {
                revocations.append(
                    try claim(
                        Bool.random(using: &generator)
                            ? .member(NodeID(number: .random(in: 0..<8, using: &generator)))
                            : .certificate(serial: .random(in: 0..<8, using: &generator)),
                        .random(in: 1...5, using: &generator), by: issuer))
            }
        }
        for _ in 0..<4 {
            let issuer = issuers[.random(in: 0..<3, using: &generator)].nodeID
            let honoured = UInt64.random(in: 0...5, using: &generator)
            revocations.append(
                try claim(
                    Bool.random(using: &generator)
                        ? .issuer(issuer, honouredThrough: honoured)
                        : .member(NodeID(number: honoured)),
                    .random(in: 1...4, using: &generator), by: mesh.authority))
        }
    }

    private func claim(
        _ target: Revocation.Target, _ sequence: UInt64, by signer: Identity
    ) throws -> Revocation {
        try Revocation(
            target, reason: "", sequence: sequence, issuedAt: SampleMesh.now, signedBy: signer,
            mesh: mesh.genesis.id)
    }

    /// A state that heard of about half of it. Each has all certificates' subjects, in some epoch.
    func state(using generator: inout SeededGenerator) throws -> TrustState {
        var state = TrustState()
        for index in issuers.indices {
            let epoch = Int.random(in: 0..<2, using: &generator)
            try state.merge(
                TrustState(issuers: [certificates[2 * index + epoch]]), genesis: mesh.genesis)
        }
        for revocation in revocations.shuffled(using: &generator)
        where Bool.random(using: &generator) {
            // A revoked issuer's certificate may have gone with its last statement.
            try state.merge(
                TrustState(issuers: certificates, revocations: [revocation]),
                genesis: mesh.genesis)
        }
        return state
    }

    func merged(_ states: TrustState...) throws -> TrustState {
        var result = states[0]
        for state in states.dropFirst() { try result.merge(state, genesis: mesh.genesis) }
        return result
    }
}

struct TrustStatePropertyTests {
    @Test(arguments: UInt64(1)...25) func mergingIsASemilattice(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let pool = try StatementPool(using: &generator)
        let (a, b, c) = (
            try pool.state(using: &generator), try pool.state(using: &generator),
            try pool.state(using: &generator)
        )
        #expect(try pool.merged(a, b) == pool.merged(b, a), "commutative; seed \(seed)")
        #expect(
            try pool.merged(pool.merged(a, b), c) == pool.merged(a, pool.merged(b, c)),
            "associative; seed \(seed)")
        #expect(try pool.merged(a, a) == a, "idempotent; seed \(seed)")
        #expect(try pool.merged(pool.merged(a, b), b) == pool.merged(a, b), "seed \(seed)")
        // Equal states have equal bytes, and the bytes give the state.
        let (left, right) = (try pool.merged(a, b, c), try pool.merged(c, b, a))
        #expect(left.encoded == right.encoded && left.digest == right.digest)
        #expect(try TrustState(decoding: left.encoded) == left)
    }

    @Test(arguments: UInt64(1)...10)
    func whateverTheOrderOfGossipAllEndUpAlike(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let pool = try StatementPool(using: &generator)
        var states = try (0..<5).map { _ in try pool.state(using: &generator) }
        for _ in 0..<40 {
            let from = states.randomElement(using: &generator) ?? TrustState()
            let to = states.indices.randomElement(using: &generator) ?? 0
            try states[to].merge(from, genesis: pool.mesh.genesis)
        }
        for index in states.indices {
            for other in states { try states[index].merge(other, genesis: pool.mesh.genesis) }
        }
        #expect(Set(states.map(\.digest)).count == 1, "seed \(seed)")
    }

    @Test(arguments: UInt64(1)...10)
    func theTablesAnswerAsTheListsSay(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let pool = try StatementPool(using: &generator)
        let state = try pool.merged(
            pool.state(using: &generator), pool.state(using: &generator))
        let targets = state.revocations.map(\.target)
        for number in 0..<8 as Range<UInt64> {
            let node = NodeID(number: number)
            #expect(state.isRevoked(node) == targets.contains(.member(node)))
            let chain = CertificateChain(
                member: try pool.mesh.memberCertificate(signer: pool.mesh.authority) {
                    ($0.serial, $0.subject) = (number, NodeID(number: 100))
                }, issuer: nil)
            let refused = (try? state.check(chain)) == nil
            #expect(refused == targets.contains(.certificate(serial: number)))
        }
        for issuer in pool.issuers.map(\.nodeID) {
            let isRevoked = targets.contains {
                if case .issuer(issuer, _) = $0 { true } else { false }
            }
            #expect(state.isRevokedIssuer(issuer) == isRevoked)
            #expect(
                state.lastSequence(of: issuer)
                    == state.revocations.filter { $0.signer == issuer }.map(\.sequence).max() ?? 0)
        }
    }
}
