import Mesh
import Noise
import Testing
import Wire

@Suite struct MultiplexerTests {
    @Test func aQuestionAndItsAnswerCrossOnOneStream() throws {
        var pair = Pair()
        let stream = try pair.initiator.open(service: .inference, first: [1])
        try pair.initiator.send([2, 3], on: stream)
        pair.initiator.end(stream)
        let (_, asked) = try pair.settle()
        #expect(asked.contains(.opened(1, .inference, first: [1])))
        #expect(asked.contains(.data(1, [2, 3])))
        #expect(asked.contains(.ended(1)))
        pair.responder.consume(1, bytes: 2)
        try pair.responder.send([4], on: 1)
        pair.responder.end(1)
        let (answered, _) = try pair.settle()
        #expect(answered == [.data(1, [4]), .ended(1)])
        #expect(pair.responder.streamCount == 0)
        #expect(pair.initiator.streamCount == 1)  // one byte is not consumed yet
        pair.initiator.consume(1, bytes: 1)
        #expect(pair.initiator.streamCount == 0)
    }

    @Test func oneSideMayEndAndStillRead() throws {
        var pair = Pair()
        let stream = try pair.initiator.open(service: .control)
        pair.initiator.end(stream)
        _ = try pair.settle()
        #expect(throws: LinkError.streamEnded) { try pair.initiator.send([1], on: stream) }
        for byte in UInt8(0)..<10 {
            try pair.responder.send([byte], on: 1)
            #expect(try pair.settle().initiator == [.data(1, [byte])])
        }
    }

    @Test func bothSidesOpenStreamsWithNumbersOfTheirOwn() throws {
        var pair = Pair()
        #expect(try pair.initiator.open(service: .control) == 1)
        #expect(try pair.initiator.open(service: .control) == 3)
        #expect(try pair.responder.open(service: .control) == 2)
        #expect(try pair.responder.open(service: .control) == 4)
        _ = try pair.settle()
        #expect(pair.initiator.streamCount == 4)
        #expect(pair.responder.streamCount == 4)
    }

    @Test func aSenderStopsAtTheWindowAndGoesOnWithCredit() throws {
        var pair = Pair()
        pair.maxBytes = 16_000
        let piece = [UInt8](repeating: 7, count: LinkLimits.sendPieceBytesMax)
        let stream = try pair.initiator.open(service: .inference)
        var received = 0
        for _ in 0..<4 { try pair.initiator.send(piece, on: stream) }
        #expect(throws: LinkError.sendBufferFull) { try pair.initiator.send([1], on: stream) }
        func bytes(_ events: [MultiplexerEvent]) -> Int {
            events.reduce(0) { if case .data(_, let bytes) = $1 { $0 + bytes.count } else { $0 } }
        }
        received += bytes(try pair.settle().responder)
        #expect(received == LinkLimits.streamWindowBytes)
        #expect(pair.initiator.takeWritable() == [stream])
        try pair.initiator.send(piece, on: stream)
        #expect(bytes(try pair.settle().responder) == 0)
        pair.responder.consume(stream, bytes: LinkLimits.streamWindowBytes / 4)
        #expect(bytes(try pair.settle().responder) == LinkLimits.streamWindowBytes / 4)
    }

    @Test func controlPassesWhenReadersOfBulkAreStuck() throws {
        var pair = Pair()
        pair.maxBytes = 16_000
        let piece = [UInt8](repeating: 7, count: LinkLimits.sendPieceBytesMax)
        for _ in 0..<8 {
            let stream = try pair.initiator.open(service: LinkService(rawValue: 99))
            for _ in 0..<4 { try pair.initiator.send(piece, on: stream) }
        }
        _ = try pair.settle()
        let control = try pair.initiator.open(service: .control)
        try pair.initiator.send([1, 2, 3], on: control)
        #expect(try pair.settle().responder.contains(.data(control, [1, 2, 3])))
    }

    @Test func controlOvertakesBulkThatWaits() throws {
        var pair = Pair()
        let bulk = try pair.initiator.open(service: LinkService(rawValue: 99))
        try pair.initiator.send([UInt8](repeating: 0, count: 60_000), on: bulk)
        _ = pair.initiator.nextRecord(maxBytes: 2048, at: start)
        let control = try pair.initiator.open(service: .control)
        try pair.initiator.send([5], on: control)
        let next = pair.initiator.nextRecord(maxBytes: 2048, at: start)
        let record = try #require(next)
        var reader = ByteReader(record)
        #expect(
            try LinkFrame(from: &reader) == .open(stream: control, service: .control, first: []))
        #expect(try LinkFrame(from: &reader) == .data(stream: control, bytes: [5]))
    }

    @Test func aResetReachesBothSidesAndFreesTheStream() throws {
        var pair = Pair()
        let stream = try pair.initiator.open(service: .inference)
        try pair.initiator.send([1, 2], on: stream)
        _ = try pair.settle()
        try pair.responder.send([3], on: stream)
        pair.initiator.reset(stream, code: .cancelled)
        let (atInitiator, atResponder) = try pair.settle()
        #expect(atInitiator.isEmpty)  // what crossed the reset is swallowed
        #expect(atResponder == [.reset(stream, .cancelled, afterEnd: false)])
        #expect(pair.initiator.streamCount == 0)
        #expect(pair.responder.streamCount == 0)
        #expect(throws: LinkError.streamEnded) { try pair.responder.send([1], on: stream) }
    }

    @Test func aReaderWhoLeavesLetsTheAnswerOutFirst() throws {
        var pair = Pair()
        let stream = try pair.initiator.open(service: .inference)
        try pair.initiator.send([1, 2], on: stream)
        _ = try pair.settle()
        try pair.responder.send([9], on: stream)
        pair.responder.end(stream)
        pair.responder.stopReading(stream)
        let (answered, _) = try pair.settle()
        #expect(
            answered == [.data(stream, [9]), .ended(stream), .reset(stream, .done, afterEnd: true)])
        #expect(pair.initiator.streamCount == 0)
        #expect(pair.responder.streamCount == 0)
    }

    @Test func resettingALotNeverStopsASessionThatStaysWithinTheRate() throws {
        var pair = Pair()
        for round in 0..<2000 {
            let now = start + .milliseconds(10 * round)
            let stream = try pair.initiator.open(service: .inference, first: [1])
            try pair.initiator.send([UInt8](repeating: 1, count: 5000), on: stream)
            _ = try pair.settle(at: now)
            if round.isMultiple(of: 2) {
                pair.initiator.reset(stream, code: .cancelled)
            } else {
                pair.responder.reset(stream, code: .cancelled)
            }
            _ = try pair.settle(at: now)
        }
        #expect(pair.initiator.streamCount == 0)
        #expect(pair.responder.streamCount == 0)
    }

    @Test func aResetStormEndsTheLink() throws {
        var mux = Multiplexer(role: .responder, at: start)
        #expect(throws: LinkViolation.tooManyResets) {
            for index in 0..<UInt32(LinkLimits.resetsPerSecondMax + 1) {
                let stream = index * 2 + 1
                _ = try mux.receive(
                    encoded(
                        .open(stream: stream, service: .control, first: []),
                        .reset(stream: stream, code: .cancelled)), at: start)
            }
        }
    }

    @Test func moreStreamsThanAllowedAreRefusedAndThenEndTheLink() throws {
        var pair = Pair()
        for _ in 0..<LinkLimits.streamsPerSideMax {
            _ = try pair.initiator.open(service: .control)
        }
        #expect(throws: LinkError.tooManyStreams) {
            try pair.initiator.open(service: .control)
        }
        _ = try pair.settle()
        // A peer that opens more anyway.
        var next = UInt32(LinkLimits.streamsPerSideMax) * 2 + 1
        let answer = try pair.responder.receive(
            encoded(.open(stream: next, service: .control, first: [])), at: start)
        #expect(answer.isEmpty)
        #expect(
            pair.responder.nextRecord(maxBytes: 2048, at: start)
                == encoded(.reset(stream: next, code: .refused)))
        #expect(throws: LinkViolation.tooManyStreams) {
            while true {
                next += 2
                _ = try pair.responder.receive(
                    encoded(.open(stream: next, service: .control, first: [])), at: start)
            }
        }
    }

    @Test func streamsThatWereNeverOpenedOrAreReusedAreRefused() throws {
        func refusal(_ frames: LinkFrame...) -> LinkViolation? {
            var mux = Multiplexer(role: .responder, at: start)
            do {
                for frame in frames { _ = try mux.receive(encoded(frame), at: start) }
                return nil
            } catch { return error }
        }
        let open = LinkFrame.open(stream: 1, service: .control, first: [])
        #expect(refusal(.data(stream: 1, bytes: [1])) == .unknownStream(1))
        #expect(refusal(.data(stream: 2, bytes: [1])) == .unknownStream(2))
        #expect(refusal(.end(stream: 1)) == .unknownStream(1))
        #expect(refusal(.reset(stream: 1, code: .cancelled)) == .unknownStream(1))
        #expect(refusal(.credit(stream: 5, bytes: 1)) == .unknownStream(5))
        #expect(refusal(open, open) == .streamNotNext(1))
        #expect(refusal(.open(stream: 2, service: .control, first: [])) == .streamNotNext(2))
        #expect(refusal(.open(stream: 3, service: .control, first: [])) == .streamNotNext(3))
        #expect(refusal(open, .end(stream: 1), .data(stream: 1, bytes: [1])) == .afterEnd(1))
        #expect(refusal(open, .end(stream: 1), .end(stream: 1)) == .afterEnd(1))
        #expect(
            refusal(open, .reset(stream: 1, code: .cancelled), .data(stream: 1, bytes: [1]))
                == .afterEnd(1))
        #expect(refusal(open, .reset(stream: 1, code: .cancelled), open) == .streamNotNext(1))
    }

    @Test func bytesBeyondTheWindowAreRefused() throws {
        var mux = Multiplexer(role: .responder, at: start)
        _ = try mux.receive(
            encoded(.open(stream: 1, service: .control, first: [])), at: start)
        let piece = [UInt8](repeating: 0, count: 16_000)[...]
        #expect(throws: LinkViolation.windowExceeded(1)) {
            for _ in 0...LinkLimits.streamWindowBytes / 16_000 {
                _ = try mux.receive(encoded(.data(stream: 1, bytes: piece)), at: start)
            }
        }
        #expect(throws: LinkViolation.windowExceeded(0)) {
            for index in UInt32(1)..<10 {
                let stream = index * 2 + 1
                _ = try mux.receive(
                    encoded(.open(stream: stream, service: .control, first: [])), at: start)
                for _ in 0..<LinkLimits.streamWindowBytes / 16_000 {
                    _ = try mux.receive(encoded(.data(stream: stream, bytes: piece)), at: start)
                }
            }
        }
    }

    @Test func creditWithoutMeasureIsRefused() throws {
        var mux = Multiplexer(role: .responder, at: start)
        #expect(throws: LinkViolation.creditOverflow(0)) {
            try mux.receive(encoded(.credit(stream: 0, bytes: .max)), at: start)
        }
        #expect(throws: LinkViolation.creditOverflow(0)) {
            try mux.receive(
                encoded(.credit(stream: 0, bytes: UInt32(LinkLimits.creditBytesMax))), at: start)
        }
    }

    @Test func paddingChangesNothing() throws {
        var mux = Multiplexer(role: .responder, at: start)
        let events = try mux.receive(
            encoded(
                .pad(count: 100), .open(stream: 1, service: .control, first: []), .pad(count: 0)),
            at: start)
        #expect(events == [.opened(1, .control, first: [])])
    }

    @Test func nothingMayFollowACloseOrARekey() throws {
        var mux = Multiplexer(role: .responder, at: start)
        #expect(throws: LinkViolation.framesAfterLast) {
            try mux.receive(encoded(.rekey, .ping(1)), at: start)
        }
        let events = try mux.receive(encoded(.close(.shutdown, text: "bye")), at: start)
        #expect(events == [.closed(.shutdown, "bye")])
        #expect(throws: LinkViolation.framesAfterLast) {
            try mux.receive(encoded(.ping(1)), at: start)
        }
    }

    @Test func emptyAndOversizedRecordsAreRefused() {
        var mux = Multiplexer(role: .responder, at: start)
        #expect(throws: LinkViolation.recordLength(0)) { try mux.receive([], at: start) }
        let long = [UInt8](repeating: 0, count: LinkLimits.recordPlaintextBytesMax + 1)
        #expect(throws: LinkViolation.recordLength(long.count)) {
            try mux.receive(long, at: start)
        }
    }

    @Test func aRoundTripIsMeasuredAtOnce() throws {
        var pair = Pair()
        let ping = pair.initiator.nextRecord(maxBytes: 2048, at: start)
        _ = try pair.responder.receive(try #require(ping), at: start)
        let pong = pair.responder.nextRecord(maxBytes: 2048, at: start)
        let later = start + .milliseconds(30)
        #expect(
            try pair.initiator.receive(try #require(pong), at: later) == [
                .roundTrip(.milliseconds(30))
            ])
        #expect(pair.initiator.roundTrip == .milliseconds(30))
    }

    @Test func pingFloodsAndUnaskedPongsEndTheLink() {
        var mux = Multiplexer(role: .responder, at: start)
        #expect(throws: LinkViolation.unexpectedPong) {
            try mux.receive(encoded(.pong(1)), at: start)
        }
        #expect(throws: LinkViolation.tooManyPings) {
            for number in 0...UInt64(LinkLimits.pongsQueuedMax) {
                _ = try mux.receive(encoded(.ping(number)), at: start)
            }
        }
    }

    @Test func anIdleLinkIsAskedAndASilentOneIsDead() throws {
        var pair = Pair()
        _ = try pair.settle()
        try pair.initiator.tick(at: start + .seconds(9))
        #expect(pair.initiator.nextRecord(maxBytes: 2048, at: start + .seconds(9)) == nil)
        try pair.initiator.tick(at: start + .seconds(10))
        #expect(pair.initiator.nextRecord(maxBytes: 2048, at: start + .seconds(10)) != nil)
        try pair.initiator.tick(at: start + .seconds(29))
        #expect(throws: LinkError.peerSilent) {
            try pair.initiator.tick(at: start + .seconds(30))
        }
    }

    @Test func aPauseOfOnesOwnIsNoSilenceOfThePeers() throws {
        var pair = Pair()
        _ = try pair.settle()
        // 25 s of these 31 this end was not running.
        pair.initiator.excuse(.seconds(25), at: start + .seconds(31))
        try pair.initiator.tick(at: start + .seconds(31))
        #expect(throws: LinkError.peerSilent) {
            try pair.initiator.tick(at: start + .seconds(55))
        }
        // An excuse for longer than the silence lasted is none for what comes.
        pair.initiator.excuse(.seconds(3600), at: start + .seconds(55))
        #expect(throws: LinkError.peerSilent) {
            try pair.initiator.tick(at: start + .seconds(85))
        }
    }

    @Test func aCloseGoesOutBeforeEverythingElse() throws {
        var pair = Pair()
        let stream = try pair.initiator.open(service: .control)
        try pair.initiator.send([1], on: stream)
        pair.initiator.close(.shutdown, text: "stopping")
        #expect(try pair.settle().responder == [.closed(.shutdown, "stopping")])
        #expect(pair.initiator.isClosed)
        #expect(pair.initiator.nextRecord(maxBytes: 2048, at: start) == nil)
    }
}
