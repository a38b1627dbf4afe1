import Noise
import Testing
import Trust
import Wire

@testable import Mesh

private let never = LinkSession.Bounds(
    rekeyRecords: 1 << 60, rekeyBytes: 1 << 60, rekeyInterval: .seconds(1 << 40),
    recordsMax: 1 << 60)

/// Sends one byte after the other, `interval` apart, until the receiver objects; returns after how
/// many records it did.
private func flood(
    _ sender: inout LinkSession, _ receiver: inout LinkSession, every interval: Duration = .zero,
    bytes: Int = 1, upTo count: Int
) throws -> (records: Int, error: LinkError?) {
    let stream = try sender.multiplexer.open(service: .control)
    var now = start
    for index in 0..<count {
        now = now + interval
        try sender.multiplexer.send([UInt8](repeating: 1, count: bytes), on: stream)
        let record = try #require(try sender.record(at: now))
        do {
            for case .data(let stream, let bytes) in try receiver.receive(record, at: now) {
                receiver.multiplexer.consume(stream, bytes: bytes.count)
            }
            while let record = try receiver.record(at: now) {
                _ = try sender.receive(record, at: now)
            }
        } catch let error as LinkError { return (index, error) }
    }
    return (count, nil)
}

@Suite struct LinkLifetimeTests {
    // MARK: Keys

    /// Either side may be the one that does not renew its key.
    @Test(arguments: [false, true])
    func aPeerThatNeverRenewsItsKeyIsRefusedByRecords(responderSends: Bool) throws {
        let bounds = LinkSession.Bounds(rekeyRecords: 50)
        let pair = try sessions(
            bounds: responderSends ? bounds : never, responder: responderSends ? never : bounds)
        var (sender, receiver) = responderSends ? (pair.1, pair.0) : pair
        let (records, error) = try flood(&sender, &receiver, upTo: 200)
        #expect(error == .violation(.rekeyOverdue))
        #expect(records == 50 * LinkLimits.rekeyTolerance - 1)
    }

    @Test(arguments: [false, true])
    func aPeerThatNeverRenewsItsKeyIsRefusedByBytes(responderSends: Bool) throws {
        let bounds = LinkSession.Bounds(rekeyBytes: 100_000)
        let pair = try sessions(
            bounds: responderSends ? bounds : never, responder: responderSends ? never : bounds)
        var (sender, receiver) = responderSends ? (pair.1, pair.0) : pair
        let (records, error) = try flood(&sender, &receiver, bytes: 1000, upTo: 1000)
        #expect(error == .violation(.rekeyOverdue))
        // Frame headers count too.
        #expect((195...200).contains(records))
    }

    @Test(arguments: [false, true])
    func aPeerThatNeverRenewsItsKeyIsRefusedByTime(responderSends: Bool) throws {
        let pair = try sessions(
            bounds: responderSends ? .init() : never, responder: responderSends ? never : .init())
        var (sender, receiver) = responderSends ? (pair.1, pair.0) : pair
        let (records, error) = try flood(&sender, &receiver, every: .seconds(10), upTo: 200)
        #expect(error == .violation(.rekeyOverdue))
        #expect(records == 2 * 12 - 1)
    }

    @Test func anHonestSenderRenewsByTimeByRecordsAndByBytes() throws {
        for bounds in [
            LinkSession.Bounds(rekeyRecords: 10), .init(rekeyBytes: 1000),
            .init(rekeyInterval: .seconds(5)),
        ] {
            var (sender, receiver) = try sessions(bounds: bounds)
            #expect(
                try flood(&sender, &receiver, every: .milliseconds(100), bytes: 20, upTo: 500)
                    .error == nil)
        }
    }

    @Test func aQuietSenderIsNotOverdueAndRenewsWhenItSpeaks() throws {
        var (sender, receiver) = try sessions(bounds: .init())
        _ = try sender.multiplexer.open(service: .control)
        _ = try receiver.receive(try #require(try sender.record()), at: start)
        let later = start + .seconds(1000)
        _ = try sender.multiplexer.open(service: .control)
        let events = try receiver.receive(try #require(try sender.record(at: later)), at: later)
        #expect(events.last == .rekeyed)
    }

    @Test func aPauseOfTheReceiversIsNoDelayOfTheSenders() throws {
        var (sender, receiver) = try sessions(bounds: .init())
        _ = try sender.multiplexer.open(service: .control)
        let record = try #require(try sender.record(at: start + .seconds(100)))
        // The receiver sleeps for 200 s and reads only then.
        receiver.excuse(.seconds(200), at: start + .seconds(300))
        _ = try receiver.receive(record, at: start + .seconds(300))
    }

    // MARK: The end

    @Test func aSessionOfTooManyRecordsIsClosedByItsSender() throws {
        var (sender, receiver) = try sessions(bounds: .init(recordsMax: 20))
        var closed: MultiplexerEvent?
        var records = 0
        while closed == nil, records < 100 {
            _ = try sender.multiplexer.open(service: .control)
            let record = try #require(try sender.record())
            records += 1
            closed = try receiver.receive(record, at: start).first {
                if case .closed(.expired, _) = $0 { true } else { false }
            }
        }
        #expect(records == 20)
        #expect(sender.multiplexer.isClosed)
        #expect(try sender.record() == nil)
    }

    @Test func aPeerThatSendsMoreRecordsThanThereMayBeIsRefused() throws {
        var (sender, receiver) = try sessions(
            bounds: never, responder: .init(recordsMax: 20))
        let (records, error) = try flood(&sender, &receiver, upTo: 100)
        #expect(error == .violation(.sessionOverdue))
        #expect(records == 20)
    }

    @Test func aPeerThatGoesOnAfterTheGreatestAgeIsRefused() throws {
        let (sender, receiver) = try sessions(bounds: never)
        var (early, late) = (sender, sender)
        let grace = start + LinkLimits.linkAgeMax + LinkLimits.closeGrace
        _ = try early.multiplexer.open(service: .control)
        _ = try late.multiplexer.open(service: .control)
        var taker = receiver
        _ = try taker.receive(
            try #require(try early.record(at: grace)), at: grace - .milliseconds(1))
        taker = receiver
        let record = try #require(try late.record(at: grace))
        #expect(throws: LinkError.violation(.sessionOverdue)) {
            try taker.receive(record, at: grace)
        }
    }

    @Test func aLinkWhoseLastRecordCannotBeSentEndsAllTheSame() throws {
        var (sender, receiver) = try sessions(bounds: never)
        let end = start + LinkLimits.linkAgeMax
        // The peer is heard of to the end, but takes nothing.
        _ = try receiver.multiplexer.open(service: .control)
        _ = try sender.receive(try #require(try receiver.record(at: end)), at: end)
        try sender.tick(at: end, wall: wall)
        try sender.tick(
            at: end + LinkLimits.closeGrace - .milliseconds(1), wall: wall)
        #expect(throws: LinkError.closedHere(.expired)) {
            try sender.tick(at: end + LinkLimits.closeGrace - .milliseconds(1), wall: wall)
            sender.excuse(.seconds(30), at: end + LinkLimits.closeGrace)
            try sender.tick(at: end + LinkLimits.closeGrace, wall: wall)
        }
    }

    @Test func aLinkEndsWithItsPeersCertificate() throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try mesh.member("alice"), try mesh.member("bob"))
        let (atAlice, atBob) = try link(try alice.dial(), try bob.answer())
        var (dialler, answerer) = (LinkSession(atAlice, at: start), LinkSession(atBob, at: start))
        _ = try dialler.receive(try #require(try answerer.record()), at: start)
        _ = try answerer.receive(try #require(try dialler.record()), at: start)
        let end = try #require(atBob.peer.member?.notAfter)
        try answerer.tick(at: start, wall: WallTime(seconds: end.seconds - 1))
        while let record = try answerer.record() {
            for event in try dialler.receive(record, at: start) {
                if case .closed = event { Issue.record("closed before its time") }
            }
        }
        try answerer.tick(at: start, wall: end)
        let events = try dialler.receive(try #require(try answerer.record()), at: start)
        guard case .closed(.expired, _)? = events.last else {
            Issue.record("\(events)")
            return
        }
        #expect(try answerer.record() == nil)
    }

    @Test func onTheCatchUpLaneAgeEndsALinkAndNotTheCertificate() throws {
        let mesh = try TestMesh()
        let late = try mesh.member("late", from: WallTime(seconds: wall.seconds - 90_000))
        let bob = try mesh.member("bob")
        let (_, atBob) = try link(
            try late.dial(lane: .catchUp), try bob.answer(lanes: [.catchUp]))
        #expect(atBob.peer.member?.isExpired == true)
        var session = LinkSession(atBob, at: start)
        _ = try session.record()
        try session.tick(at: start, wall: wall)
        #expect(try session.record() == nil)
        // It stays busy, so that only age ends it.
        session.excuse(LinkLimits.catchUpAgeMax, at: start + LinkLimits.catchUpAgeMax)
        try session.tick(at: start + LinkLimits.catchUpAgeMax, wall: wall)
        _ = try session.record(at: start + LinkLimits.catchUpAgeMax)
        #expect(session.multiplexer.isClosed)
    }
}
