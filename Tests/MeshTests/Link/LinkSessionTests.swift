import Noise
import Testing
import Trust
import Wire

@testable import Mesh

@Suite struct LinkSessionTests {
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
            try sender.tick(at: now, wall: wall)
            try receiver.tick(at: now, wall: wall)
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
