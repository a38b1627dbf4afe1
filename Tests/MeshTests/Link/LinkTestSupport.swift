import Mesh
import Noise
import Testing
import Wire

/// SplitMix64 (Steele, Lea, Flood 2014): the seed of a failing case is all it takes to repeat it.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}

let start = MonotonicInstant.origin

func encoded(_ frames: LinkFrame...) -> [UInt8] {
    var writer = ByteWriter()
    for frame in frames { frame.encode(to: &writer) }
    return writer.bytes
}

/// Two multiplexers whose records reach each other at once.
struct Pair {
    var initiator = Multiplexer(role: .initiator, at: start)
    var responder = Multiplexer(role: .responder, at: start)
    var maxBytes = 2048

    /// Moves records both ways until neither side has any; returns each side's events.
    mutating func settle(
        at now: MonotonicInstant = start
    ) throws -> (initiator: [MultiplexerEvent], responder: [MultiplexerEvent]) {
        var atInitiator: [MultiplexerEvent] = []
        var atResponder: [MultiplexerEvent] = []
        var moved = true
        while moved {
            moved = false
            if let record = initiator.nextRecord(maxBytes: maxBytes, at: now) {
                atResponder += try responder.receive(record, at: now)
                moved = true
            }
            if let record = responder.nextRecord(maxBytes: maxBytes, at: now) {
                atInitiator += try initiator.receive(record, at: now)
                moved = true
            }
        }
        return (atInitiator, atResponder)
    }
}
