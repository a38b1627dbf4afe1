import Mesh
import Testing
import Trust
import Wire

/// What one member knows.
private struct Knowledge {
    var state = TrustState()
    let ring: GateKeyRing

    var bulletin: TrustBulletin {
        TrustBulletin(state: state, gateKey: ring.current, seeds: [])
    }
    var digest: [UInt8] { TrustBulletin.digest(state: state, gateKey: ring.current.key) }
}

@Suite struct TrustExchangeTests {
    private let mesh: TestMesh
    private let ring: GateKeyRing
    private let peer: VerifiedMember

    init() throws {
        mesh = try TestMesh()
        ring = GateKeyRing.first(by: mesh.authority, certificate: nil, mesh: mesh.genesis.id)
        peer = try #require(try mesh.member("peer").chain).verify(
            genesis: mesh.genesis, at: wall, trust: nil)
    }

    private func knowledge(revoking nodes: [UInt64] = []) throws -> Knowledge {
        var knowledge = Knowledge(ring: ring)
        for node in nodes {
            try knowledge.state.revoke(
                .member(NodeID(number: node)), signedBy: mesh.authority, genesis: mesh.genesis,
                at: wall)
        }
        return knowledge
    }

    /// Runs one exchange, the bytes in pieces; the asker merges before it tells its own.
    private func exchange(
        _ left: inout Knowledge, _ right: inout Knowledge, piece: Int = 7
    ) throws -> TrustBulletin? {
        var asker = TrustAsker(.exchange(digest: left.digest))
        var answerer = try TrustAnswerer(first: asker.first)
        let answer = answerer.answer(right.bulletin, digest: right.digest, to: peer)
        for start in stride(from: 0, to: answer.count, by: piece) {
            try asker.receive(Array(answer[start..<min(start + piece, answer.count)]))
        }
        guard case .bulletin(let told) = try asker.receiveEnd() else {
            #expect(try answerer.receiveEnd() == nil)
            return nil
        }
        try left.state.merge(told.state, genesis: mesh.genesis)
        let own = left.bulletin.encoded
        for start in stride(from: 0, to: own.count, by: piece) {
            try answerer.receive(Array(own[start..<min(start + piece, own.count)]))
        }
        let back = try #require(try answerer.receiveEnd())
        try right.state.merge(back.state, genesis: mesh.genesis)
        return told
    }

    @Test func membersThatKnowTheSameSayNoMore() throws {
        var (left, right) = (try knowledge(), try knowledge())
        #expect(try exchange(&left, &right) == nil)
    }

    @Test func afterAnExchangeBothKnowWhatEitherKnew() throws {
        var (left, right) = (try knowledge(revoking: [1]), try knowledge())
        let told = try #require(try exchange(&left, &right))
        #expect(told.gateKey != nil)
        #expect(left.state == right.state)
        #expect(right.state.isRevoked(NodeID(number: 1)))
        // And then they know the same.
        #expect(try exchange(&right, &left) == nil)
    }

    @Test func aMemberWhoseCertificateIsOverIsToldNoGateKey() throws {
        let late = try mesh.member("late", from: WallTime(seconds: wall.seconds - 90_000))
        let expired = try #require(late.chain).verify(
            genesis: mesh.genesis, at: wall, trust: nil, allowingExpired: true)
        let known = try knowledge(revoking: [1])
        var asker = TrustAsker(.exchange(digest: try knowledge().digest))
        var answerer = try TrustAnswerer(first: asker.first)
        try asker.receive(answerer.answer(known.bulletin, digest: known.digest, to: expired))
        guard case .bulletin(let told) = try asker.receiveEnd() else {
            Issue.record("not a bulletin")
            return
        }
        #expect(told.gateKey == nil)
        #expect(told.state == known.state)
    }

    @Test func aRenewalIsAskedAndAnswered() throws {
        var asker = TrustAsker(.renewal(RenewalRequest()))
        #expect(asker.endsAtOnce)
        var answerer = try TrustAnswerer(first: asker.first)
        #expect(answerer.query == .renewal(RenewalRequest()))
        #expect(try answerer.receiveEnd() == nil)
        let response = RenewalResponse.renewed(try #require(try mesh.member("peer").chain))
        try asker.receive(response.encoded)
        guard case .renewal(response) = try asker.receiveEnd() else {
            Issue.record("another answer")
            return
        }
    }

    @Test func anAnswerCutShortAnywhereIsRefused() throws {
        let known = try knowledge(revoking: [1])
        var answerer = try TrustAnswerer(
            first: TrustAsker(.exchange(digest: [UInt8](repeating: 0, count: 32))).first)
        let answer = answerer.answer(known.bulletin, digest: known.digest, to: peer)
        for count in 0..<answer.count {
            var asker = TrustAsker(.exchange(digest: [UInt8](repeating: 0, count: 32)))
            try asker.receive(Array(answer.prefix(count)))
            #expect(throws: TrustExchangeError.self) { try asker.receiveEnd() }
        }
        var asker = TrustAsker(.exchange(digest: [UInt8](repeating: 0, count: 32)))
        try asker.receive(answer + [0])
        #expect(throws: TrustExchangeError.malformed(.trailingBytes(count: 1))) {
            try asker.receiveEnd()
        }
    }

    @Test func moreThanAnyMessageHasIsRefusedBeforeItIsKept() throws {
        var asker = TrustAsker(.renewal(RenewalRequest()))
        try asker.receive([UInt8](repeating: 0, count: LinkLimits.renewalResponseBytesMax))
        #expect(
            throws: TrustExchangeError.tooLong(limit: LinkLimits.renewalResponseBytesMax)
        ) { try asker.receive([0]) }
        var other = TrustAsker(.exchange(digest: [UInt8](repeating: 0, count: 32)))
        #expect(throws: TrustExchangeError.tooLong(limit: 1 + TrustLimits.bulletinBytesMax)) {
            while true { try other.receive([UInt8](repeating: 1, count: 1 << 16)) }
        }
    }

    @Test func anAskerThatSpeaksOutOfTurnIsRefused() throws {
        let known = try knowledge()
        // Before the answer, after "the same", and after a renewal's request.
        var early = try TrustAnswerer(first: TrustAsker(.exchange(digest: known.digest)).first)
        #expect(throws: TrustExchangeError.outOfTurn) { try early.receive([1]) }
        _ = early.answer(known.bulletin, digest: known.digest, to: peer)
        #expect(throws: TrustExchangeError.outOfTurn) { try early.receive([1]) }
        var renewal = try TrustAnswerer(first: TrustAsker(.renewal(RenewalRequest())).first)
        #expect(throws: TrustExchangeError.outOfTurn) { try renewal.receive([1]) }
    }

    @Test func whatIsNoQuestionIsRefused() {
        for first: [UInt8] in [[], [0], [2], [1], [1, 2], [0] + [UInt8](repeating: 0, count: 33)] {
            #expect(throws: TrustExchangeError.self) { try TrustAnswerer(first: first) }
        }
    }
}
