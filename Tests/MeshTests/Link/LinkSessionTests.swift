import Mesh
import Noise
import Testing
import Trust
import Wire

/// Accepts everyone as the node whose id is its payload.
private struct TrustingVerifier: LinkVerifier {
    func verify(
        payload: [UInt8], staticKey: LinkKey, standing: LinkStanding
    ) throws(LinkError) -> LinkPeer {
        do {
            let proof = try LinkProof(decoding: payload)
            return LinkPeer(
                nodeID: proof.node, member: nil, proof: proof, linkKey: staticKey, version: 1)
        } catch { throw .peerRefused("\(error)") }
    }
}

private func sessions() throws -> (LinkSession, LinkSession) {
    let mesh = MeshID(number: 1)
    let key = [UInt8](repeating: 3, count: 32)
    func local() throws -> LinkHandshake.Local {
        let identity = Identity.generate()
        let linkKey = LinkKeyPair.generate(now: WallTime(seconds: 0))
        return LinkHandshake.Local(
            nodeID: identity.nodeID, mesh: mesh,
            staticKey: try NoiseKeyPair(secretKey: linkKey.secretKey),
            proof: LinkProof(identity: identity, chain: nil, linkKey: linkKey, mesh: mesh).encoded)
    }
    let preamble = try #require(
        LinkPreamble(lane: .member, keyID: [UInt8](repeating: 0, count: 8)))
    var initiator = try LinkHandshake(
        initiating: preamble, preSharedKey: key, local: try local(), expecting: nil,
        verifier: TrustingVerifier(), ephemeral: .generate(), at: start)
    var responder = LinkHandshake(
        responding: { _ in key }, local: try local(), verifier: TrustingVerifier(),
        ephemeral: .generate(), at: start)
    var links: [EstablishedLink] = []
    func bytes(_ effects: [HandshakeEffect]) -> [UInt8] {
        var sent: [UInt8] = []
        for effect in effects {
            if case .send(let bytes) = effect { sent += bytes }
            if case .established(let link) = effect { links.append(link) }
        }
        return sent
    }
    _ = bytes(
        responder.receive(
            bytes(initiator.receive(bytes(responder.receive(bytes(initiator.start())))))))
    try #require(links.count == 2)
    return (
        LinkSession(links[0], rekeyRecords: 500, at: start),
        LinkSession(links[1], rekeyRecords: 500, at: start)
    )
}

@Suite struct LinkSessionTests {
    @Test func recordsOutOfOrderRepeatedOrChangedEndTheLink() throws {
        let (fresh, receiver) = try sessions()
        var sender = fresh
        var records: [[UInt8]] = []
        for _ in 0..<3 {
            _ = try sender.multiplexer.open(service: .control)
            let record = try sender.nextRecord(at: start) ?? []
            records.append(Array(record.dropFirst(2)))
        }
        func refusal(_ sequence: [[UInt8]]) -> LinkError? {
            var receiver = receiver
            do {
                for record in sequence { _ = try receiver.receive(record, at: start) }
                return nil
            } catch { return error }
        }
        #expect(refusal(records) == nil)
        #expect(refusal([records[1]]) == .recordNotAuthentic)
        #expect(refusal([records[0], records[0]]) == .recordNotAuthentic)
        #expect(refusal([records[0], records[2]]) == .recordNotAuthentic)
        for bit in 0..<records[0].count * 8 {
            var changed = records[0]
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(refusal([changed]) == .recordNotAuthentic)
        }
        for count in 0..<records[0].count {
            #expect(refusal([Array(records[0].prefix(count))]) != nil)
        }
        // Reflected to its sender.
        var copy = sender
        #expect(throws: LinkError.recordNotAuthentic) {
            try copy.receive(records[0], at: start)
        }
    }

    @Test func recordLengthsOutOfRangeAreRefused() throws {
        var (_, receiver) = try sessions()
        for length in [0, 1, 15, 22, LinkLimits.recordBytesMax + 1, 65_535] {
            #expect(throws: LinkError.violation(.recordLength(length))) {
                try receiver.receive([UInt8](repeating: 0, count: length), at: start)
            }
        }
    }

    @Test func keysAreRenewedByTimeAndByRecordsAndTheStreamGoesOn() throws {
        var (sender, receiver) = try sessions()
        let stream = try sender.multiplexer.open(service: .inference)
        var rekeys = 0
        var received = 0
        for index in 0..<3_000 {
            let now = start + (index < 10 ? .seconds(100 * index) : .seconds(1000))
            try sender.multiplexer.send([UInt8(truncatingIfNeeded: index)], on: stream)
            while let record = try sender.nextRecord(at: now) {
                for event in try receiver.receive(Array(record.dropFirst(2)), at: now) {
                    if event == .rekeyed { rekeys += 1 }
                    if case .data(_, let bytes) = event {
                        received += bytes.count
                        receiver.multiplexer.consume(stream, bytes: bytes.count)
                    }
                }
            }
            while let record = try receiver.nextRecord(at: now) {
                _ = try sender.receive(Array(record.dropFirst(2)), at: now)
            }
        }
        #expect(received == 3_000)
        #expect(rekeys >= 10)
    }

    @Test func aLinkEndsAtItsGreatestAge() throws {
        var (sender, receiver) = try sessions()
        var now = start
        for _ in 0..<(3 * 3600 / 20) {
            now = now + .seconds(20)
            // Both sides stay busy, so that only age ends the link.
            try sender.tick(at: now)
            try receiver.tick(at: now)
            while let record = try sender.nextRecord(at: now) {
                let events = try receiver.receive(Array(record.dropFirst(2)), at: now)
                if case .closed(let code, _)? = events.last {
                    #expect(code == .expired)
                    #expect(now - start >= LinkLimits.linkAgeMax)
                    return
                }
            }
            while let record = try receiver.nextRecord(at: now) {
                _ = try sender.receive(Array(record.dropFirst(2)), at: now)
            }
        }
        Issue.record("the link outlived its age")
    }
}
