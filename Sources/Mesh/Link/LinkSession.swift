internal import Noise
internal import Trust
public import Wire

/// An established link: the record layer over the handshake's ciphers, and the multiplexer above.
///
/// A record on the wire is a 16-bit length, big-endian, and so many bytes of ciphertext: 23 to
/// 16 400, of which the last 16 are the tag. The cipher is the handshake's (Noise's `Split()`):
/// ChaCha20-Poly1305 without associated data, under a nonce that counts the direction's records from
/// 0. The plaintext is frames: see ``LinkFrame``.
///
/// Each direction renews its key by Noise's `Rekey()`, which does not reset the nonce, after
/// ``LinkLimits/rekeyRecords``, ``LinkLimits/rekeyBytes`` or ``LinkLimits/rekeyInterval``: the
/// sender says so by a REKEY frame, the last of the last record under the old key. A receiver ends a
/// link whose sender does not.
///
/// A record with frames of an inference stream is padded: by a PAD frame (before REKEY, if there is
/// one) its plaintext becomes a multiple of ``LinkLimits/paddingBytes``, so that the lengths of words
/// don't show in those of records. What is padded is the sender's affair; a receiver takes PAD
/// anywhere.
///
/// The link ends, by CLOSE with ``LinkCloseCode/expired``, at ``LinkLimits/linkAgeMax``, with its
/// peer's certificate, and before a direction has carried ``LinkLimits/recordsMax``. An error ends the
/// link at once.
public struct LinkSession: Sendable {
    /// When keys are renewed and links end: the limits, or less in tests.
    struct Bounds: Sendable {
        var rekeyRecords = LinkLimits.rekeyRecords
        var rekeyBytes = LinkLimits.rekeyBytes
        var rekeyInterval = LinkLimits.rekeyInterval
        var recordsMax = LinkLimits.recordsMax
    }

    private let bounds: Bounds
    private let established: MonotonicInstant
    private let lifetime: Duration
    private let certificateEnds: WallTime?
    private var endedAt: MonotonicInstant?

    private var sending: CipherState
    private var sent = Usage()
    private var receiving: CipherState
    private var received = Usage()

    /// Whether records that carry frames of inference streams are padded.
    public var pads: Bool

    /// The streams.
    public var multiplexer: Multiplexer

    /// What a direction's present key was used for.
    private struct Usage: Sendable {
        var keySince = MonotonicInstant.origin
        var records: UInt64 = 0
        var bytes: UInt64 = 0
        /// Under all keys.
        var recordsInAll: UInt64 = 0

        mutating func add(_ count: Int) {
            records += 1
            recordsInAll += 1
            bytes += UInt64(count)
        }

        mutating func renew(at now: MonotonicInstant) {
            keySince = now
            records = 0
            bytes = 0
        }

        func isDue(_ bounds: Bounds, factor: Int, at now: MonotonicInstant) -> Bool {
            records >= bounds.rekeyRecords * UInt64(factor)
                || bytes >= bounds.rekeyBytes * UInt64(factor)
                || now - keySince >= bounds.rekeyInterval * factor
        }
    }

    /// The session that a handshake led to.
    ///
    /// - Parameter pads: Whether records that carry frames of inference streams are padded.
    public init(_ link: EstablishedLink, pads: Bool = true, at now: MonotonicInstant) {
        self.init(link, pads: pads, bounds: Bounds(), at: now)
    }

    init(
        _ link: EstablishedLink, pads: Bool = true, bounds: Bounds, at now: MonotonicInstant
    ) {
        self.bounds = bounds
        self.pads = pads
        sending = link.sending
        receiving = link.receiving
        established = now
        sent.keySince = now
        received.keySince = now
        // On the catch-up lane the certificate may be over, and age alone ends the link.
        let member = link.peer.member
        certificateEnds = link.preamble.lane == .catchUp ? nil : member?.notAfter
        lifetime =
            link.preamble.lane == .catchUp ? LinkLimits.catchUpAgeMax : LinkLimits.linkAgeMax
        multiplexer = Multiplexer(role: link.role, at: now)
    }

    // MARK: Receiving

    /// Opens one record, given without its length, and takes in its frames: see
    /// ``receive(record:scratch:at:)``.
    public mutating func receive(
        _ record: [UInt8], at now: MonotonicInstant
    ) throws(LinkError) -> [MultiplexerEvent] {
        let result = record.withUnsafeBytes { record in
            withUnsafeTemporaryAllocation(
                byteCount: LinkLimits.recordPlaintextBytesMax, alignment: 16
            ) { scratch in
                Result { () throws(LinkError) in
                    try receive(record: record, scratch: scratch, at: now)
                }
            }
        }
        return try result.get()
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
        guard (LinkLimits.recordBytesMin...LinkLimits.recordBytesMax).contains(record.count) else {
            throw .violation(.recordLength(record.count))
        }
        guard received.recordsInAll < bounds.recordsMax,
            now - established < lifetime + LinkLimits.closeGrace
        else { throw .violation(.sessionOverdue) }
        let count: Int
        do { count = try receiving.open(record, into: scratch) } catch {
            throw .recordNotAuthentic
        }
        received.add(count)
        let events: [MultiplexerEvent]
        do {
            events = try multiplexer.receive(
                record: UnsafeRawBufferPointer(rebasing: scratch[..<count]), at: now)
        } catch { throw .violation(error) }
        if events.last == .rekeyed {
            receiving.rekey()
            received.renew(at: now)
        } else if received.isDue(bounds, factor: LinkLimits.rekeyTolerance, at: now) {
            throw .violation(.rekeyOverdue)
        }
        return events
    }

    // MARK: Sending

    /// The next record with its length before it, or nil when there is nothing to send: see
    /// ``nextRecord(into:at:)``.
    public mutating func nextRecord(at now: MonotonicInstant) throws(LinkError) -> [UInt8]? {
        var failure: LinkError?
        let record = [UInt8](unsafeUninitializedCapacity: LinkLimits.recordSpaceBytes) {
            memory, written in
            do {
                written = try nextRecord(into: UnsafeMutableRawBufferPointer(memory), at: now)
            } catch { failure = error as? LinkError }
        }
        if let failure { throw failure }
        return record.isEmpty ? nil : record
    }

    /// Writes the next record with its length before it, and returns how many bytes it takes: 0
    /// when there is nothing to send.
    ///
    /// - Parameter output: At least ``LinkLimits/recordSpaceBytes``.
    public mutating func nextRecord(
        into output: UnsafeMutableRawBufferPointer, at now: MonotonicInstant
    ) throws(LinkError) -> Int {
        precondition(output.count >= LinkLimits.recordSpaceBytes, "a record needs its space")
        if sent.recordsInAll + 1 >= bounds.recordsMax {
            multiplexer.close(.expired, text: "the link has carried too many records")
        }
        // Written where the ciphertext goes, and sealed there.
        let memory = UnsafeMutableRawBufferPointer(
            rebasing: output[2..<2 + LinkLimits.recordPlaintextBytesMax])
        // Room is left for a PAD and a REKEY frame.
        let frames = UnsafeMutableRawBufferPointer(
            rebasing: memory[..<(memory.count - 2 * LinkLimits.frameHeaderBytes)])
        let written = multiplexer.nextRecord(into: frames, at: now)
        guard written.bytes > 0 else { return 0 }
        let plaintext = finish(memory, written, at: now)
        let count: Int
        do {
            count = try sending.seal(
                UnsafeRawBufferPointer(plaintext.bytes),
                into: UnsafeMutableRawBufferPointer(rebasing: output[2...]))
        } catch { throw .recordNotAuthentic }
        sent.add(plaintext.bytes.count)
        if plaintext.renews {
            sending.rekey()
            sent.renew(at: now)
        }
        output.storeBytes(of: UInt16(count).bigEndian, as: UInt16.self)
        return 2 + count
    }

    /// Appends what the record layer itself has to say: PAD, REKEY.
    private func finish(
        _ memory: UnsafeMutableRawBufferPointer, _ written: Multiplexer.Written,
        at now: MonotonicInstant
    ) -> (bytes: UnsafeMutableRawBufferPointer, renews: Bool) {
        var usage = sent
        usage.add(written.bytes)
        let renews = !multiplexer.isClosed && usage.isDue(bounds, factor: 1, at: now)
        var writer = RecordWriter(memory, count: written.bytes)
        if pads, written.carriesInference {
            let rekey = renews ? LinkLimits.frameHeaderBytes : 0
            writer.pad(Self.padding(after: written.bytes + rekey))
        }
        if renews { writer.write(.rekey) }
        return (UnsafeMutableRawBufferPointer(rebasing: memory[..<writer.count]), renews)
    }

    /// Bytes of the PAD frame that makes `count` bytes a multiple of ``LinkLimits/paddingBytes``: 0,
    /// or a frame's header at least.
    static func padding(after count: Int) -> Int {
        let gap =
            (LinkLimits.paddingBytes - count % LinkLimits.paddingBytes)
            % LinkLimits.paddingBytes
        return gap > 0 && gap < LinkLimits.frameHeaderBytes ? gap + LinkLimits.paddingBytes : gap
    }

    // MARK: Time

    /// What time alone brings about: keepalives, the end of a silent link, of one too old and of one
    /// whose peer's certificate is over.
    ///
    /// - Throws: ``LinkError/peerSilent``, and ``LinkError/closedHere(_:)`` when the link's time has
    ///   been over for ``LinkLimits/closeGrace`` and its last record still could not be sent.
    public mutating func tick(at now: MonotonicInstant, wall: WallTime) throws(LinkError) {
        try multiplexer.tick(at: now)
        if now - established >= lifetime {
            end("the link is too old", at: now)
        } else if let certificateEnds, wall >= certificateEnds {
            end("the certificate has expired", at: now)
        }
        if let endedAt, now - endedAt >= LinkLimits.closeGrace { throw .closedHere(.expired) }
    }

    private mutating func end(_ why: String, at now: MonotonicInstant) {
        guard endedAt == nil else { return }
        endedAt = now
        multiplexer.close(.expired, text: why)
    }

    /// This end had no time for `pause`: what the peer sent meanwhile may wait unread, and is no
    /// silence of its.
    public mutating func excuse(_ pause: Duration, at now: MonotonicInstant) {
        multiplexer.excuse(pause, at: now)
        received.keySince = min(now, received.keySince + pause)
    }
}
