import Mesh
import Noise
import Wire

/// A multiplexer whose peer sends what it likes and whose application does likewise. Nothing may
/// trap; a peer that keeps to the rules is understood; what is held stays within the limits.
///
/// An input is one byte, odd for a connection of the bulk class, and a list of steps: `what u8,
/// length u16, that many bytes`.
enum FrameTarget {
    private enum Step: UInt8, CaseIterable {
        case record, open, send, end, reset, consume, stopReading, next, tick, ping
    }

    static func run(_ bytes: [UInt8]) {
        var now = MonotonicInstant.origin
        var multiplexer = Multiplexer(role: .initiator, at: now)
        // An honest peer at the other end of what this side sends.
        var honest = Multiplexer(role: .responder, at: now)
        var unread: [UInt32: Int] = [:]
        var reader = ByteReader(bytes)
        let isBulk = (try? reader.readUInt8()).map { $0 % 2 == 1 } ?? false
        if isBulk {
            multiplexer.widen()
            honest.widen()
        }
        let window =
            isBulk ? LinkLimits.bulkStreamWindowBytes : LinkLimits.streamWindowBytes
        for _ in 0..<FuzzLimits.stepsMax {
            guard let kind = try? reader.readUInt8(), let count: UInt16 = try? reader.readInteger()
            else { return }
            let content = Array((try? reader.readBytes(min(Int(count), reader.remaining))) ?? [])
            // Streams of either side, one that is not there among them.
            let stream = UInt32(content.first ?? 1)
            switch Step(rawValue: kind % UInt8(Step.allCases.count)) ?? .tick {
            case .record:
                guard let events = try? multiplexer.receive(content, at: now) else { return }
                for event in events {
                    if case .opened(let stream, _, _) = event {
                        precondition(stream.isMultiple(of: 2), "the peer opened this side's")
                    }
                    if case .data(let stream, let bytes) = event {
                        unread[stream, default: 0] += bytes.count
                        precondition(
                            unread[stream, default: 0] <= window,
                            "more is unread than the window")
                    }
                }
            case .open:
                let first = Array(content.dropFirst())
                _ = try? multiplexer.open(
                    service: LinkService(rawValue: content.first ?? 1), first: first)
            case .send: _ = try? multiplexer.send(content, on: stream)
            case .end: multiplexer.end(stream)
            case .reset: multiplexer.reset(stream, code: .cancelled)
            case .consume:
                let bytes = min(Int(count), unread[stream, default: 0])
                unread[stream, default: 0] -= bytes
                multiplexer.consume(stream, bytes: bytes)
            case .stopReading: multiplexer.stopReading(stream)
            case .next:
                guard let record = multiplexer.nextRecord(maxBytes: 2048 + Int(count), at: now)
                else { break }
                do { _ = try honest.receive(record, at: now) } catch {
                    // The fuzzer's records may have had this side answer what the honest peer
                    // never asked; a frame that does not parse is another matter.
                    if case .malformed = error { preconditionFailure("\(error)") }
                    if case .unknownFrame = error { preconditionFailure("\(error)") }
                    return
                }
            case .tick:
                now = now + .milliseconds(Int(count))
                guard (try? multiplexer.tick(at: now)) != nil else { return }
            case .ping: multiplexer.ping()
            }
            precondition(
                multiplexer.streamCount <= 2 * LinkLimits.streamsPerSideMax, "too many streams")
        }
    }

    static var seeds: [(name: String, bytes: [UInt8])] {
        let frames: [LinkFrame] = [
            .open(stream: 2, service: .inference, first: [1, 2, 3]),
            .data(stream: 2, bytes: [4, 5, 6]), .credit(stream: 1, bytes: 1000), .end(stream: 2),
            .reset(stream: 2, code: .cancelled), .ping(7), .pong(1), .pad(count: 9),
            .close(.shutdown, text: "bye"), .rekey,
        ]
        let inputs = frames.enumerated().map { index, frame in
            var record = ByteWriter()
            if index > 0, index != 2 { frames[0].encode(to: &record) }
            frame.encode(to: &record)
            var writer = ByteWriter()
            // A stream of this side's, for what is about one.
            writer.writeBytes([Step.open.rawValue, 0, 3, 2, 1, 1, Step.ping.rawValue, 0, 0])
            writer.writeBytes([Step.next.rawValue, 0, 0])
            writer.writeInteger(Step.record.rawValue)
            writer.writeInteger(UInt16(record.bytes.count))
            writer.writeBytes(record.bytes)
            writer.writeBytes([Step.consume.rawValue, 0, 1, 2, Step.next.rawValue, 0, 0])
            return ("frame-\(index)", writer.bytes)
        }
        return inputs.map { ($0.0, [0] + $0.1) } + inputs.map { ("bulk-" + $0.0, [1] + $0.1) }
    }
}
