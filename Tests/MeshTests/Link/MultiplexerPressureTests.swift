import Mesh
import Noise
import Testing
import Wire

/// The frames of one record.
private func frames(_ record: [UInt8]) throws -> [LinkFrame] {
    var reader = ByteReader(record)
    var frames: [LinkFrame] = []
    while reader.remaining > 0 { frames.append(try LinkFrame(from: &reader)) }
    return frames
}

private func dataBytes(_ events: [MultiplexerEvent], on stream: UInt32? = nil) -> Int {
    events.reduce(0) { sum, event in
        guard case .data(let number, let bytes) = event, stream == nil || number == stream else {
            return sum
        }
        return sum + bytes.count
    }
}

private let bulk = LinkService.measure

/// Windows, turns and memory when somebody is slow, greedy or hostile.
@Suite struct MultiplexerPressureTests {
    private let piece = [UInt8](repeating: 7, count: LinkLimits.sendPieceBytesMax)

    private func fill(_ stream: UInt32, of mux: inout Multiplexer) throws {
        for _ in 0..<LinkLimits.sendBufferBytesMax / piece.count {
            try mux.send(piece, on: stream)
        }
    }

    // MARK: Turns

    @Test func streamsOfOneClassTakeTurns() throws {
        var pair = Pair()
        var streams: [UInt32] = []
        for _ in 0..<4 {
            let stream = try pair.initiator.open(service: bulk)
            streams.append(stream)
            for _ in 0..<2 { try pair.initiator.send(piece, on: stream) }
        }
        var sent: [UInt32: Int] = [:]
        for round in 1...24 {
            let next = pair.initiator.nextRecord(maxBytes: 2048, at: start)
            let record = try #require(next)
            for case .data(let stream, let bytes) in try frames(record) {
                sent[stream, default: 0] += bytes.count
            }
            // No stream is ever more than one record ahead of another.
            let counts = streams.map { sent[$0] ?? 0 }
            let spread = (counts.max() ?? 0) - (counts.min() ?? 0)
            #expect(spread <= 2048, "after \(round) records: \(counts)")
        }
    }

    @Test func aGreedyStreamDoesNotKeepALateOneOfItsClassWaiting() throws {
        var pair = Pair()
        let greedy = try pair.initiator.open(service: .inference)
        try fill(greedy, of: &pair.initiator)
        for _ in 0..<10 { _ = pair.initiator.nextRecord(maxBytes: 2048, at: start) }
        let late = try pair.initiator.open(service: .inference)
        try pair.initiator.send([1, 2, 3], on: late)
        var waited = 0
        while true {
            let next = pair.initiator.nextRecord(maxBytes: 2048, at: start)
            let found = try frames(try #require(next)).contains { frame in
                if case .data(late, _) = frame { true } else { false }
            }
            if found { break }
            waited += 1
        }
        #expect(waited <= 1)
    }

    @Test func controlNeverWaitsBehindBulkNorInference() throws {
        var pair = Pair()
        let streams = [
            try pair.initiator.open(service: bulk), try pair.initiator.open(service: .inference),
            try pair.initiator.open(service: bulk),
        ]
        for stream in streams { try fill(stream, of: &pair.initiator) }
        _ = pair.initiator.nextRecord(maxBytes: 16_000, at: start)
        let control = try pair.initiator.open(service: .control)
        for round in UInt8(0)..<20 {
            try pair.initiator.send([round], on: control)
            let next = pair.initiator.nextRecord(maxBytes: 16_000, at: start)
            // In the very next record, before the data of every other stream.
            let first = try frames(try #require(next)).first { frame in
                if case .data = frame { true } else { false }
            }
            #expect(first == .data(stream: control, bytes: [round]))
        }
    }

    @Test func tokensGoBeforeBulk() throws {
        var pair = Pair()
        let slow = try pair.initiator.open(service: bulk)
        try fill(slow, of: &pair.initiator)
        _ = pair.initiator.nextRecord(maxBytes: 16_000, at: start)
        let tokens = try pair.initiator.open(service: .inference)
        try pair.initiator.send([5], on: tokens)
        let next = pair.initiator.nextRecord(maxBytes: 16_000, at: start)
        let data = try frames(try #require(next)).filter { frame in
            if case .data = frame { true } else { false }
        }
        #expect(data.first == .data(stream: tokens, bytes: [5]))
        #expect(data.count == 2)  // and bulk fills the rest
    }

    // MARK: Credit

    @Test func streamsWithoutCreditStopNeitherTheirPeersNorTheWholeSession() throws {
        var pair = Pair()
        pair.maxBytes = 16_000
        // Nobody reads these: they use up all the credit that bulk may have.
        var stuck: [UInt32] = []
        for _ in 0..<8 {
            let stream = try pair.initiator.open(service: bulk)
            stuck.append(stream)
            try fill(stream, of: &pair.initiator)
        }
        var unread: [UInt32: Int] = [:]
        for case .data(let stream, let bytes) in try pair.settle().responder {
            unread[stream, default: 0] += bytes.count
        }
        // Inference and control still pass, round after round, since they are read.
        let tokens = try pair.initiator.open(service: .inference)
        let control = try pair.initiator.open(service: .control)
        for _ in 0..<100 {
            for (stream, count) in [(tokens, 20_000), (control, 5000)] {
                try pair.initiator.send([UInt8](repeating: 1, count: count), on: stream)
                let events = try pair.settle().responder
                #expect(dataBytes(events, on: stream) == count)
                pair.responder.consume(stream, bytes: count)
                _ = try pair.settle()
            }
        }
        // And once the stuck ones are read or given up, they go on to their end.
        for stream in stuck.prefix(4) { pair.responder.reset(stream, code: .cancelled) }
        var open = Set(stuck.suffix(4))
        for stream in open { pair.initiator.end(stream) }
        var rounds = 0
        while !open.isEmpty, rounds < 1000 {
            rounds += 1
            for stream in stuck.suffix(4) {
                pair.responder.consume(stream, bytes: unread.removeValue(forKey: stream) ?? 0)
            }
            for event in try pair.settle().responder {
                if case .data(let stream, let bytes) = event {
                    unread[stream, default: 0] += bytes.count
                }
                if case .ended(let stream) = event { open.remove(stream) }
            }
        }
        #expect(open.isEmpty)
    }

    @Test func noClassWaitsForCreditThatItsOwnReadingWouldBring() {
        let shares = [
            LinkLimits.controlReserveBytes,
            LinkLimits.foregroundReserveBytes - LinkLimits.controlReserveBytes,
            LinkLimits.sessionWindowBytes - LinkLimits.foregroundReserveBytes,
        ]
        for share in shares { #expect(LinkLimits.sessionCreditStepBytes <= share) }
    }

    @Test func bothSidesWithoutCreditGoOnWhenEitherReads() throws {
        var pair = Pair()
        pair.maxBytes = 16_000
        // Each side fills its stream and reads nothing until the other has: no wait for each other.
        let (left, right) = (
            try pair.initiator.open(service: .inference),
            try pair.responder.open(service: .inference)
        )
        try fill(left, of: &pair.initiator)
        try fill(right, of: &pair.responder)
        _ = try pair.settle()
        #expect(throws: LinkError.sendBufferFull) {
            while true { try pair.initiator.send(piece, on: left) }
        }
        #expect(throws: LinkError.sendBufferFull) {
            while true { try pair.responder.send(piece, on: right) }
        }
        #expect(try pair.settle().responder.isEmpty)
        pair.initiator.consume(right, bytes: LinkLimits.streamWindowBytes)
        let (atInitiator, atResponder) = try pair.settle()
        #expect(dataBytes(atInitiator, on: right) == LinkLimits.streamWindowBytes)
        #expect(dataBytes(atResponder) == 0)
        pair.responder.consume(left, bytes: LinkLimits.streamWindowBytes)
        #expect(dataBytes(try pair.settle().responder, on: left) == LinkLimits.streamWindowBytes)
    }

    // MARK: Memory

    @Test func aSlowReaderHoldsNoMoreThanTheWindows() throws {
        var pair = Pair()
        pair.maxBytes = 16_000
        // As many streams as there may be, each with all it can send, and nobody reads.
        var held = 0
        for _ in 0..<LinkLimits.streamsPerSideMax {
            let stream = try pair.initiator.open(
                service: .control, first: [UInt8](repeating: 1, count: LinkLimits.openBytesMax))
            try fill(stream, of: &pair.initiator)
            held += dataBytes(try pair.settle().responder)
        }
        held += dataBytes(try pair.settle().responder)
        #expect(held == LinkLimits.sessionWindowBytes)
        // The writers were told to wait, and the session still answers.
        #expect(throws: LinkError.sendBufferFull) {
            for stream in stride(from: UInt32(1), to: 256, by: 2) {
                for _ in 0..<5 { try pair.initiator.send(piece, on: stream) }
            }
        }
        pair.responder.ping()
        let (events, _) = try pair.settle()
        #expect(events.isEmpty)
        #expect(pair.responder.roundTrip != nil)
    }

    @Test func aPeerThatIgnoresTheSessionsWindowIsRefusedWhateverStreamItUses() throws {
        var mux = Multiplexer(role: .responder, at: start)
        var total = 0
        #expect(throws: LinkViolation.windowExceeded(0)) {
            for stream in stride(from: UInt32(1), to: 100, by: 2) {
                _ = try mux.receive(
                    encoded(.open(stream: stream, service: bulk, first: [])), at: start)
                for _ in 0..<10 {
                    let bytes = [UInt8](repeating: 0, count: 16_000)
                    total += dataBytes(
                        try mux.receive(
                            encoded(.data(stream: stream, bytes: bytes[...])), at: start))
                }
            }
        }
        #expect(total <= LinkLimits.sessionWindowBytes)
    }

    @Test func aWriterWhoseReaderLeftIsNotLeftWaiting() throws {
        var pair = Pair()
        pair.maxBytes = 16_000
        let stream = try pair.initiator.open(service: .inference)
        try fill(stream, of: &pair.initiator)
        _ = try pair.settle()
        pair.responder.stopReading(stream)
        pair.responder.end(stream)
        let (events, _) = try pair.settle()
        #expect(events.contains(.reset(stream, .done, afterEnd: true)))
        #expect(throws: LinkError.streamEnded) { try pair.initiator.send(piece, on: stream) }
        // The windows are whole again: as much as at the start passes on a new stream.
        let next = try pair.initiator.open(service: .control)
        try fill(next, of: &pair.initiator)
        #expect(dataBytes(try pair.settle().responder) == LinkLimits.streamWindowBytes)
    }

    @Test func aResetStormOfOpenedStreamsLeavesNothingBehind() throws {
        var mux = Multiplexer(role: .responder, at: start)
        var now = start
        var stream: UInt32 = 1
        for _ in 0..<20 {
            now = now + .seconds(1)
            for _ in 0..<LinkLimits.resetsPerSecondMax {
                _ = try mux.receive(
                    encoded(
                        .open(stream: stream, service: .inference, first: []),
                        .data(stream: stream, bytes: [1, 2, 3]),
                        .reset(stream: stream, code: .cancelled)), at: now)
                stream += 2
            }
            while mux.nextRecord(maxBytes: 2048, at: now) != nil {}
            #expect(mux.streamCount == 0)
        }
    }
}
