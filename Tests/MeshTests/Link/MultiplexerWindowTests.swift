import Mesh
import Noise
import Testing
import Wire

/// Windows of a connection that carries bulk alone.
@Suite struct MultiplexerWindowTests {
    private let piece = [UInt8](repeating: 7, count: LinkLimits.sendPieceBytesMax)

    private func widened() -> Pair {
        var pair = Pair()
        pair.maxBytes = 16_000
        pair.initiator.widen()
        pair.responder.widen()
        return pair
    }

    /// Sends as much as goes on a stream, and returns how many bytes arrived on each.
    private func push(_ streams: [UInt32], _ pair: inout Pair) throws -> [UInt32: Int] {
        var received: [UInt32: Int] = [:]
        var moved = true
        while moved {
            moved = false
            for stream in streams {
                while (try? pair.initiator.send(piece, on: stream)) != nil {}
            }
            for case .data(let stream, let bytes) in try pair.settle().responder {
                received[stream, default: 0] += bytes.count
                moved = true
            }
        }
        return received
    }

    @Test func aStreamIsWiderOnceItsReaderBeganToRead() throws {
        var pair = widened()
        let stream = try pair.initiator.open(service: .measure)
        // At first the window is the one that every peer knows.
        let first = try push([stream], &pair)[stream] ?? 0
        #expect(first == LinkLimits.streamWindowBytes)
        pair.responder.consume(stream, bytes: first)
        #expect(try push([stream], &pair)[stream] == LinkLimits.bulkStreamWindowBytes)
    }

    @Test func aSlowReaderOnAWideConnectionHoldsNoMoreThanTheWideWindow() throws {
        var pair = widened()
        var streams: [UInt32] = []
        for _ in 0..<16 { streams.append(try pair.initiator.open(service: .measure)) }
        var held: [UInt32: Int] = [:]
        // Everyone reads once, so that every stream is as wide as it gets, and never again.
        for stream in streams {
            let arrived = try push([stream], &pair)
            for (stream, bytes) in arrived { held[stream, default: 0] += bytes }
            let read = held.updateValue(0, forKey: stream) ?? 0
            pair.responder.consume(stream, bytes: read)
        }
        for (stream, bytes) in try push(streams, &pair) { held[stream, default: 0] += bytes }
        #expect(held.values.allSatisfy { $0 <= LinkLimits.bulkStreamWindowBytes })
        let total = held.values.reduce(0, +)
        #expect(total <= LinkLimits.bulkSessionWindowBytes)
        // Bulk leaves the others their part, so it is not all of it.
        #expect(total > LinkLimits.bulkSessionWindowBytes / 2)
    }

    @Test func aPeerThatGoesBeyondTheWideWindowIsRefused() throws {
        var mux = Multiplexer(role: .responder, at: start)
        mux.widen()
        _ = mux.nextRecord(maxBytes: 2048, at: start)  // tells the session's credit
        let bytes = [UInt8](repeating: 0, count: 16_000)[...]
        var total = 0
        // No credit was given on the stream: its window is still the narrow one.
        #expect(throws: LinkViolation.windowExceeded(1)) {
            _ = try mux.receive(
                encoded(.open(stream: 1, service: .measure, first: [])), at: start)
            for _ in 0..<100 {
                _ = try mux.receive(encoded(.data(stream: 1, bytes: bytes)), at: start)
                total += bytes.count
            }
        }
        #expect(total <= LinkLimits.streamWindowBytes)
        // And the session's window ends at the wide one, whatever streams there are.
        var other = Multiplexer(role: .responder, at: start)
        other.widen()
        _ = other.nextRecord(maxBytes: 2048, at: start)
        total = 0
        #expect(throws: LinkViolation.windowExceeded(0)) {
            for stream in stride(from: UInt32(1), to: 200, by: 2) {
                _ = try other.receive(
                    encoded(.open(stream: stream, service: .measure, first: [])), at: start)
                for _ in 0..<16 {
                    _ = try other.receive(encoded(.data(stream: stream, bytes: bytes)), at: start)
                    total += bytes.count
                }
            }
        }
        #expect(total <= LinkLimits.bulkSessionWindowBytes)
    }
}
