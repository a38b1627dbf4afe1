import Noise
import Testing
import Trust
import Wire

@testable import Mesh

private func tokens(_ words: [String], logprobs: Bool = false) -> [UInt8] {
    MessageFramer.frame(
        .tokens(
            words.enumerated().map { index, word in
                let bytes = Array(word.utf8)
                let alternative = TokenLogprobs.Alternative(token: 7, logprob: -1, bytes: bytes)
                return TokenFrame(
                    request: RequestID(high: 1, low: 2), choice: 0, index: UInt32(index), token: 5,
                    bytes: bytes,
                    logprobs: logprobs
                        ? TokenLogprobs(
                            logprob: -1,
                            top: [TokenLogprobs.Alternative](repeating: alternative, count: 5))
                        : nil)
            }))
}

@Suite struct LinkPaddingTests {
    /// The lengths of the records that carry these messages, one after the other.
    private func lengths(
        _ messages: [[UInt8]], service: LinkService = .inference, pads: Bool = true,
        rekeyRecords: UInt64 = 500
    ) throws -> [Int] {
        var (sender, receiver) = try sessions(
            bounds: .init(rekeyRecords: rekeyRecords), pads: pads)
        let stream = try sender.multiplexer.open(service: service)
        _ = try receiver.receive(try #require(try sender.record()), at: start)
        return try messages.map { message in
            try sender.multiplexer.send(message, on: stream)
            let record = try #require(try sender.record())
            let events = try receiver.receive(record, at: start)
            #expect(events.first == .data(stream, message))
            return record.count
        }
    }

    private let words = (0...76).map { String(repeating: "x", count: $0) }

    @Test func recordsOfDifferentWordsHaveEqualLengths() throws {
        let lengths = Set(try lengths(words.map { tokens([$0]) }))
        #expect(lengths == [LinkLimits.paddingBytes + LinkLimits.recordTagBytes])
    }

    @Test func soHaveThoseOfWordsThatTravelTogetherOrWithOthersInTheirPlace() throws {
        let short = Array(repeating: "a", count: 5)
        let long = Array(repeating: "abcdefgh", count: 5)
        #expect(Set(try lengths([tokens(short), tokens(long)])).count == 1)
        #expect(
            Set(try lengths([tokens(["a"], logprobs: true), tokens(["abcdefgh"], logprobs: true)]))
                .count == 1)
    }

    @Test func soHaveThoseThatRenewTheKey() throws {
        let messages = words.map { tokens([$0]) }
        #expect(try Set(lengths(messages, rekeyRecords: 1)).count == 1)
        #expect(try Set(lengths(messages, rekeyRecords: 2)).count == 1)
    }

    @Test func withoutPaddingTheLengthsWouldSpellTheWords() throws {
        let lengths = Set(try lengths(words.map { tokens([$0]) }, pads: false))
        #expect(lengths.count == words.count)
    }

    @Test func whatIsNoInferenceIsNotPadded() throws {
        let lengths = try lengths([[1], [1, 2]], service: .control)
        #expect(lengths[1] == lengths[0] + 1)
        #expect(lengths[0] < LinkLimits.paddingBytes)
    }

    @Test func openingsEndsAndResetsOfInferenceArePaddedToo() throws {
        for word in ["a", "abcdefghijk"] {
            var (sender, receiver) = try sessions()
            _ = try sender.record()
            var fresh = try sessions().0
            _ = try fresh.record()
            let stream = try sender.multiplexer.open(service: .inference, first: Array(word.utf8))
            let opening = try #require(try sender.record())
            #expect(opening.count == LinkLimits.paddingBytes + LinkLimits.recordTagBytes)
            sender.multiplexer.end(stream)
            let end = try #require(try sender.record())
            #expect(end.count == LinkLimits.paddingBytes + LinkLimits.recordTagBytes)
            sender.multiplexer.reset(stream, code: .cancelled)
            let reset = try #require(try sender.record())
            #expect(reset.count == LinkLimits.paddingBytes + LinkLimits.recordTagBytes)
            _ = receiver
        }
    }

    @Test func everyLengthOfAMessageIsPaddedToAMultipleAndFits() throws {
        var (sender, receiver) = try sessions()
        let stream = try sender.multiplexer.open(service: .inference)
        _ = try receiver.receive(try #require(try sender.record()), at: start)
        for count in Array(1...600) + Array(16_300...16_500) {
            try sender.multiplexer.send([UInt8](repeating: 1, count: count), on: stream)
            while let record = try sender.record() {
                #expect((record.count - LinkLimits.recordTagBytes) % LinkLimits.paddingBytes == 0)
                #expect(record.count <= LinkLimits.recordBytesMax)
                for case .data(_, let bytes) in try receiver.receive(record, at: start) {
                    receiver.multiplexer.consume(stream, bytes: bytes.count)
                }
            }
            while let record = try receiver.record() { _ = try sender.receive(record, at: start) }
        }
    }

    @Test func paddingIsNothingOrAWholeFrame() {
        for count in 1...4 * LinkLimits.paddingBytes {
            let padding = LinkSession.padding(after: count)
            #expect((count + padding) % LinkLimits.paddingBytes == 0)
            #expect(padding == 0 || padding >= LinkLimits.frameHeaderBytes)
            #expect(padding < LinkLimits.paddingBytes + LinkLimits.frameHeaderBytes)
        }
    }
}
