import Wire

/// What a datagram is for.
enum DatagramKind: UInt8 {
    /// "Are you there, and under which boot id?"
    case hello = 1
    /// The answer to it.
    case answer = 2
    /// A packet, or nothing.
    case data = 3
}

/// The clear beginning of a datagram, the same for all kinds:
///
///     offset 0   version, 1 byte
///            1   kind, 1 byte
///            2   id of the mesh's gate key, 8 bytes
///            10  hint of the sender, 8 bytes
///            18  boot id of the sender, 16 bytes
///            34  counter, 8 bytes
///            42  what is sealed, then 16 bytes that authenticate it and the header
struct DatagramHeader: Equatable {
    var kind: DatagramKind
    var meshKeyID: UInt64
    var hint: UInt64
    var boot: BootID
    var counter: UInt64

    enum Refusal: Error { case malformed, unknownVersion }

    init(kind: DatagramKind, meshKeyID: UInt64, hint: UInt64, boot: BootID, counter: UInt64) {
        self.kind = kind
        self.meshKeyID = meshKeyID
        self.hint = hint
        self.boot = boot
        self.counter = counter
    }

    /// Reads the header, of a datagram of any length.
    init(of datagram: [UInt8]) throws(Refusal) {
        guard let version = datagram.first else { throw .malformed }
        guard version == DatagramLimits.version else { throw .unknownVersion }
        guard datagram.count >= DatagramLimits.headerBytes + DatagramLimits.tagBytes,
            datagram.count <= DatagramLimits.bytesMax,
            let kind = DatagramKind(rawValue: datagram[1])
        else { throw .malformed }
        func word(_ offset: Int) -> UInt64 {
            var value: UInt64 = 0
            for index in offset..<offset + 8 { value = value << 8 | UInt64(datagram[index]) }
            return value
        }
        self.init(
            kind: kind, meshKeyID: word(2), hint: word(10),
            boot: BootID(high: word(18), low: word(26)), counter: word(34))
        guard boot != .zero, counter != 0 else { throw .malformed }
    }

    /// A datagram with this header, sealed.
    func sealed(
        _ plaintext: [UInt8], key: DatagramKey, cipher: any DatagramCipher
    ) -> [UInt8] {
        var datagram: [UInt8] = []
        datagram.reserveCapacity(
            DatagramLimits.headerBytes + plaintext.count + DatagramLimits.tagBytes)
        encode(to: &datagram)
        datagram.append(contentsOf: plaintext)
        cipher.seal(&datagram, header: DatagramLimits.headerBytes, key: key, counter: counter)
        return datagram
    }

    /// Appends the header.
    func encode(to datagram: inout [UInt8]) {
        datagram.append(DatagramLimits.version)
        datagram.append(kind.rawValue)
        for word in [meshKeyID, hint, boot.high, boot.low, counter] {
            withUnsafeBytes(of: word.bigEndian) { datagram.append(contentsOf: $0) }
        }
    }
}
