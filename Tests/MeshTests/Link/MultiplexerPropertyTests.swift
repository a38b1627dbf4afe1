import Mesh
import Noise
import Testing
import Wire

/// One direction of one stream in a random run.
private struct Direction {
    var toSend: [UInt8]
    var sent = 0
    var ended = false
    var received: [UInt8] = []
    var unconsumed = 0
    var sawEnd = false
}

@Suite struct MultiplexerPropertyTests {
    /// Random streams both ways, random pieces, random record sizes, random order of records and
    /// of consumption: every byte arrives once and in order, and nothing gets stuck.
    @Test(arguments: UInt64(1)...16)
    func everyByteArrivesOnceAndInOrder(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var muxes = [
            Multiplexer(role: .initiator, at: start), Multiplexer(role: .responder, at: start),
        ]
        // Directions by stream, then by sending side.
        var flows: [UInt32: [Direction]] = [:]
        let services: [LinkService] = [.control, .inference, .gossip, LinkService(rawValue: 77)]
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let side = Int.random(in: 0...1, using: &random)
            let stream = try muxes[side].open(
                service: services[Int.random(in: 0..<services.count, using: &random)])
            flows[stream] = (0...1).map { _ in
                Direction(toSend: random.bytes(Int.random(in: 0...400_000, using: &random)))
            }
        }
        let streams = flows.keys.sorted()
        var known: [Set<UInt32>] = [
            Set(streams.filter { $0 % 2 == 1 }), Set(streams.filter { $0 % 2 == 0 }),
        ]
        var idle = 0
        var steps = 0
        while flows.values.contains(where: { $0.contains { !$0.sawEnd || $0.unconsumed > 0 } }) {
            steps += 1
            let side = Int.random(in: 0...1, using: &random)
            var progressed = false
            // The application writes…
            for stream in streams where known[side].contains(stream) {
                guard Bool.random(using: &random), var flow = flows[stream]?[side], !flow.ended
                else { continue }
                let left = flow.toSend.count - flow.sent
                let piece = min(left, Int.random(in: 1...40_000, using: &random))
                if piece == 0 {
                    muxes[side].end(stream)
                    flow.ended = true
                    progressed = true
                } else {
                    do {
                        try muxes[side].send(
                            Array(flow.toSend[flow.sent..<flow.sent + piece]), on: stream)
                        flow.sent += piece
                        progressed = true
                    } catch {
                        #expect(error == .sendBufferFull, "seed \(seed)")
                    }
                }
                flows[stream]?[side] = flow
            }
            // …records travel…
            let maxBytes = Int.random(in: 2048...16_384, using: &random)
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                guard let record = muxes[side].nextRecord(maxBytes: maxBytes, at: start) else {
                    break
                }
                #expect(record.count <= maxBytes, "seed \(seed)")
                progressed = true
                for event in try muxes[1 - side].receive(record, at: start) {
                    switch event {
                    case .opened(let stream, _, _): known[1 - side].insert(stream)
                    case .data(let stream, let bytes):
                        flows[stream]?[side].received += bytes
                        flows[stream]?[side].unconsumed += bytes.count
                    case .ended(let stream): flows[stream]?[side].sawEnd = true
                    case .roundTrip: break
                    default: Issue.record("seed \(seed): \(event)")
                    }
                }
            }
            // …and the other side reads.
            for stream in streams where Bool.random(using: &random) {
                let count = flows[stream]?[side].unconsumed ?? 0
                guard count > 0 else { continue }
                let taken = Int.random(in: 1...count, using: &random)
                muxes[1 - side].consume(stream, bytes: taken)
                flows[stream]?[side].unconsumed -= taken
                progressed = true
            }
            idle = progressed ? 0 : idle + 1
            guard idle < 1000 else {
                Issue.record("seed \(seed): stuck after \(steps) steps")
                return
            }
        }
        for (stream, directions) in flows {
            for direction in directions {
                #expect(
                    direction.received == direction.toSend, "seed \(seed), stream \(stream)")
            }
        }
        #expect(muxes[0].streamCount == 0, "seed \(seed)")
        #expect(muxes[1].streamCount == 0, "seed \(seed)")
    }

    /// Whatever bytes come, the multiplexer refuses or accepts; it never traps.
    @Test(arguments: UInt64(1)...20)
    func damagedRecordsAreRefusedOrHarmless(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            var mux = Multiplexer(role: .responder, at: start)
            _ = try mux.receive(
                encoded(.open(stream: 1, service: .control, first: [])), at: start)
            try mux.send([1, 2, 3], on: 1)
            var record = encoded(
                .open(stream: 3, service: .inference, first: random.bytes(20)),
                .data(stream: 1, bytes: random.bytes(30)[...]), .credit(stream: 0, bytes: 9),
                .end(stream: 1), .reset(stream: 3, code: .cancelled), .ping(3))
            switch Int.random(in: 0...2, using: &random) {
            case 0: record.removeLast(Int.random(in: 1..<record.count, using: &random))
            case 1:
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    record[Int.random(in: 0..<record.count, using: &random)] ^=
                        UInt8.random(in: 1...255, using: &random)
                }
            default: record = random.bytes(Int.random(in: 1...200, using: &random))
            }
            _ = try? mux.receive(record, at: start)
            while mux.nextRecord(maxBytes: 2048, at: start) != nil {}
        }
    }
}
