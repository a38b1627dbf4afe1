import Noise
import Testing
import Trust
import Wire

@testable import Mesh

/// What somebody on the way may do to records: each ends the link at once.
@Suite struct RecordTamperingTests {
    private let fresh: LinkSession
    private let receiver: LinkSession
    private let records: [[UInt8]]

    init() throws {
        let (sender, receiver) = try sessions()
        var copy = sender
        var records: [[UInt8]] = []
        for _ in 0..<3 {
            _ = try copy.multiplexer.open(service: .control)
            records.append(try #require(try copy.record()))
        }
        (fresh, self.receiver, self.records) = (sender, receiver, records)
    }

    private func refusal(_ sequence: [[UInt8]], by session: LinkSession? = nil) -> LinkError? {
        var session = session ?? receiver
        do {
            for record in sequence { _ = try session.receive(record, at: start) }
            return nil
        } catch { return error }
    }

    @Test func inOrderTheyPass() { #expect(refusal(records) == nil) }

    @Test func aReplayedRecordEndsTheLink() {
        #expect(refusal(records + [records[0]]) == .recordNotAuthentic)
        #expect(refusal(records + [records[2]]) == .recordNotAuthentic)
    }

    @Test func aDuplicatedRecordEndsTheLink() {
        #expect(refusal([records[0], records[0]]) == .recordNotAuthentic)
    }

    @Test func reorderedRecordsEndTheLink() {
        #expect(refusal([records[1], records[0]]) == .recordNotAuthentic)
        #expect(refusal([records[0], records[2], records[1]]) == .recordNotAuthentic)
    }

    @Test func aDroppedRecordEndsTheLinkAtTheNext() {
        #expect(refusal([records[0], records[2]]) == .recordNotAuthentic)
    }

    @Test func aReflectedRecordEndsTheLink() {
        #expect(refusal([records[0]], by: fresh) == .recordNotAuthentic)
    }

    @Test func aRecordSplicedInFromAnotherSessionEndsTheLink() throws {
        let (_, other) = try sessions()
        #expect(refusal([records[0]], by: other) == .recordNotAuthentic)
    }

    @Test func aRecordSplicedInFromTheOtherDirectionEndsTheLink() throws {
        var (back, forth) = (receiver, fresh)
        _ = try back.multiplexer.open(service: .control)
        let record = try #require(try back.record())
        // Where it belongs it passes; in its own direction it does not.
        #expect(refusal([record], by: forth) == nil)
        #expect(refusal([record]) == .recordNotAuthentic)
        _ = try forth.record()
    }

    @Test func aRecordCutAtAnyByteEndsTheLink() {
        for count in 0..<records[0].count {
            #expect(refusal([Array(records[0].prefix(count))]) != nil, "\(count) bytes")
        }
    }

    @Test func everyBitOfARecordCounts() {
        for bit in 0..<records[0].count * 8 {
            var changed = records[0]
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(refusal([changed]) == .recordNotAuthentic, "bit \(bit)")
        }
    }

    @Test func bytesAddedToARecordEndTheLink() {
        #expect(refusal([records[0] + [0]]) == .recordNotAuthentic)
        #expect(refusal([records[0] + records[1]]) == .recordNotAuthentic)
    }

    @Test func aRecordOfTheTimeBeforeARekeyEndsTheLink() throws {
        let (sender, receiver) = try sessions(bounds: .init(rekeyRecords: 1))
        var (copy, taker) = (sender, receiver)
        _ = try copy.multiplexer.open(service: .control)
        let record = try #require(try copy.record())
        #expect(try taker.receive(record, at: start).last == .rekeyed)
        #expect(refusal([record], by: taker) == .recordNotAuthentic)
    }

    @Test func aHandshakeMessageAfterTheHandshakeIsNoRecord() throws {
        let mesh = try TestMesh()
        let (alice, bob) = (try mesh.member("alice"), try mesh.member("bob"))
        var flights: [[UInt8]] = []
        let (_, right) = run(try alice.dial(), try bob.answer()) { _, bytes in
            flights.append(bytes)
            return bytes
        }
        let established = try #require(right.established)
        // Each message again, as the record that its length makes it.
        for flight in [Array(flights[0].dropFirst(10)), flights[1], flights[2]] {
            var session = LinkSession(established, at: start)
            #expect(throws: LinkError.recordNotAuthentic) {
                try session.receive(Array(flight.dropFirst(2)), at: start)
            }
        }
    }

    @Test func recordLengthsOutOfRangeAreRefused() {
        for length in [0, 1, 15, 16, 22, LinkLimits.recordBytesMax + 1, 65_535] {
            #expect(
                refusal([[UInt8](repeating: 0, count: length)])
                    == .violation(.recordLength(length)))
        }
    }
}
