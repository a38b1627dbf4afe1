internal import Noise
public import Wire

/// An established link: the record layer over the handshake's ciphers, and the multiplexer above.
///
/// A record on the wire is its 16-bit length and the ciphertext of at most 16 KiB of frames. Each
/// direction renews its key by Noise's `Rekey()` after so many records, bytes or seconds: the
/// sender says so in the last record under the old key. An error ends the link.
public struct LinkSession: Sendable {
    private var sending: CipherState
    private var receiving: CipherState
    private let established: MonotonicInstant
    private let rekeyRecords: UInt64

    private var sentSinceRekey = Usage()
    private var sendKeySince: MonotonicInstant
    private var receivedSinceRekey = Usage()

    /// The streams.
    public var multiplexer: Multiplexer

    private struct Usage: Sendable {
        var records: UInt64 = 0
        var bytes: UInt64 = 0

        mutating func add(_ count: Int) {
            records += 1
            bytes += UInt64(count)
        }

        func reaches(records limit: UInt64, factor: UInt64) -> Bool {
            records >= limit * factor || bytes >= LinkLimits.rekeyBytes * factor
        }
    }

    /// The session that a handshake led to.
    ///
    /// - Parameter rekeyRecords: After how many records keys are renewed; for tests.
    public init(
        _ link: EstablishedLink, rekeyRecords: UInt64 = LinkLimits.rekeyRecords,
        at now: MonotonicInstant
    ) {
        self.rekeyRecords = rekeyRecords
        sending = link.sending
        receiving = link.receiving
        established = now
        sendKeySince = now
        multiplexer = Multiplexer(role: link.role, at: now)
    }

    /// Opens one record, given without its length, and takes in its frames.
    public mutating func receive(
        _ record: [UInt8], at now: MonotonicInstant
    ) throws(LinkError) -> [MultiplexerEvent] {
        guard (LinkLimits.recordBytesMin...LinkLimits.recordBytesMax).contains(record.count) else {
            throw .violation(.recordLength(record.count))
        }
        let plaintext: [UInt8]
        do { plaintext = try receiving.open(record) } catch { throw .recordNotAuthentic }
        receivedSinceRekey.add(plaintext.count)
        guard
            !receivedSinceRekey.reaches(
                records: rekeyRecords, factor: LinkLimits.rekeyTolerance)
        else {
            throw .violation(.rekeyOverdue)
        }
        let events: [MultiplexerEvent]
        do {
            events = try multiplexer.receive(plaintext, at: now)
        } catch { throw .violation(error) }
        if events.last == .rekeyed {
            receiving.rekey()
            receivedSinceRekey = Usage()
        }
        return events
    }

    /// The next record with its length before it, or nil when there is nothing to send.
    public mutating func nextRecord(at now: MonotonicInstant) throws(LinkError) -> [UInt8]? {
        let room = LinkLimits.recordPlaintextBytesMax - LinkLimits.frameHeaderBytes
        guard var plaintext = multiplexer.nextRecord(maxBytes: room, at: now) else { return nil }
        sentSinceRekey.add(plaintext.count)
        let renews =
            !multiplexer.isClosed
            && (sentSinceRekey.reaches(records: rekeyRecords, factor: 1)
                || now - sendKeySince >= LinkLimits.rekeyInterval)
        if renews {
            var writer = ByteWriter()
            LinkFrame.rekey.encode(to: &writer)
            plaintext += writer.bytes
        }
        let record: [UInt8]
        do { record = try sending.seal(plaintext) } catch { throw .recordNotAuthentic }
        if renews {
            sending.rekey()
            sentSinceRekey = Usage()
            sendKeySince = now
        }
        var writer = ByteWriter(capacity: 2 + record.count)
        writer.writeBytes16(record)
        return writer.bytes
    }

    /// Opens one record and takes in its frames; what is delivered of them is the caller's.
    ///
    /// - Parameters:
    ///   - record: The record without its length.
    ///   - scratch: At least ``LinkLimits/recordPlaintextBytesMax`` bytes, used while this runs.
    public mutating func receive(
        record: UnsafeRawBufferPointer, scratch: UnsafeMutableRawBufferPointer,
        at now: MonotonicInstant
    ) throws(LinkError) -> [MultiplexerEvent] {
        try receive(Array(record), at: now)
    }

    /// Writes the next record with its length before it, and returns how many bytes it takes: 0
    /// when there is nothing to send.
    ///
    /// - Parameter output: At least ``LinkLimits/recordSpaceBytes``.
    public mutating func nextRecord(
        into output: UnsafeMutableRawBufferPointer, at now: MonotonicInstant
    ) throws(LinkError) -> Int {
        precondition(output.count >= LinkLimits.recordSpaceBytes, "a record needs its space")
        guard let record = try nextRecord(at: now) else { return 0 }
        output.copyBytes(from: record)
        return record.count
    }

    /// What time alone brings about: keepalives, the end of a silent link and of one too old.
    public mutating func tick(at now: MonotonicInstant) throws(LinkError) {
        try multiplexer.tick(at: now)
        if now - established >= LinkLimits.linkAgeMax {
            multiplexer.close(.expired, text: "the link is too old")
        }
    }

    /// This end had no time for `pause`: what the peer sent meanwhile may wait unread, and is no
    /// silence of its.
    public mutating func excuse(_ pause: Duration, at now: MonotonicInstant) {
        multiplexer.excuse(pause, at: now)
    }
}
