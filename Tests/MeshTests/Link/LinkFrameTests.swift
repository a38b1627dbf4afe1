import Mesh
import Testing
import Wire

private let samples: [LinkFrame] = [
    .pad(count: 5),
    .open(stream: 1, service: .inference, first: [1, 2, 3]),
    .data(stream: 4, bytes: [9, 8, 7][...]),
    .credit(stream: 0, bytes: 65_536),
    .credit(stream: 7, bytes: 1),
    .end(stream: 3),
    .reset(stream: 2, code: .cancelled),
    .ping(42),
    .pong(.max),
    .close(.shutdown, text: "goodbye"),
    .rekey,
]

@Suite struct LinkFrameTests {
    @Test(arguments: samples) func aFrameReadsBackAsItWasWritten(_ frame: LinkFrame) throws {
        let bytes = encoded(frame)
        #expect(bytes.count == frame.byteCount)
        var reader = ByteReader(bytes)
        #expect(try LinkFrame(from: &reader) == frame)
        #expect(reader.remaining == 0)
    }

    @Test(arguments: samples) func aFrameCutShortIsRefused(_ frame: LinkFrame) {
        let bytes = encoded(frame)
        for count in 0..<bytes.count {
            var reader = ByteReader(bytes[..<count])
            #expect(throws: LinkViolation.malformed(.truncated)) {
                try LinkFrame(from: &reader)
            }
        }
    }

    @Test(arguments: samples) func aFlippedBitNeverPassesForTheSameFrame(_ frame: LinkFrame) {
        let bytes = encoded(frame)
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            var reader = ByteReader(changed)
            guard let other = try? LinkFrame(from: &reader) else { continue }
            // Padding carries nothing, so its content may change.
            if case .pad = other { continue }
            #expect(other != frame, "bit \(bit)")
        }
    }

    @Test func framesOnTheWrongStreamAreRefused() {
        for (type, stream) in [(1, 0), (2, 0), (4, 0), (5, 0), (0, 1), (6, 1), (8, 1), (9, 3)] {
            var writer = ByteWriter()
            writer.writeInteger(UInt8(type))
            writer.writeInteger(UInt32(stream))
            writer.writeBytes16([UInt8](repeating: 0, count: 4))
            var reader = ByteReader(writer.bytes)
            #expect(
                throws: LinkViolation.misplacedStream(type: UInt8(type), stream: UInt32(stream))
            ) { try LinkFrame(from: &reader) }
        }
    }

    @Test func unknownTypesAndWrongLengthsAreRefused() {
        var reader = ByteReader([10, 0, 0, 0, 0, 0, 0])
        #expect(throws: LinkViolation.unknownFrame(10)) { try LinkFrame(from: &reader) }
        reader = ByteReader([2, 0, 0, 0, 1, 0, 0])
        #expect(throws: LinkViolation.payloadLength(type: 2, length: 0)) {
            try LinkFrame(from: &reader)
        }
        reader = ByteReader([3, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0])
        #expect(throws: LinkViolation.malformed(.invalid(field: "credit"))) {
            try LinkFrame(from: &reader)
        }
        reader = ByteReader([8, 0, 0, 0, 0, 0, 3, 0, 0, 0xff])
        #expect(throws: LinkViolation.malformed(.invalid(field: "text of a close"))) {
            try LinkFrame(from: &reader)
        }
    }

    @Test func theTextOfACloseIsCutBetweenCharacters() throws {
        let frame = LinkFrame.close(.shutdown, text: String(repeating: "é", count: 200))
        var reader = ByteReader(encoded(frame))
        guard case .close(_, let text) = try LinkFrame(from: &reader) else {
            Issue.record("not a close")
            return
        }
        #expect(text == String(repeating: "é", count: 128))
    }
}
