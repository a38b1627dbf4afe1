public import Wire

/// The ciphers of datagrams, handed in, so that a simulation may use cheap ones.
public protocol DatagramCipher: Sendable {
    /// The secret that this node shares with `peer`, from this node's link key and the peer's;
    /// nil when the peer's is not usable. Slow (a Diffie–Hellman): computed once per pair of link
    /// keys and kept.
    func root(of peer: NodeID, linkKey: LinkKey) -> DatagramKey?
    /// The key of one direction between two starts of two nodes. `receiverBoot` is zero while it is
    /// not known.
    func key(
        root: DatagramKey, sender: NodeID, receiver: NodeID, senderBoot: BootID,
        receiverBoot: BootID
    ) -> DatagramKey
    /// Whether two keys that it made have the same bytes.
    func isSame(_ one: DatagramKey, _ other: DatagramKey) -> Bool
    /// Seals in place what follows the first `header` bytes, and appends
    /// ``DatagramLimits/tagBytes`` that authenticate both parts. No key sees a `counter` twice.
    func seal(_ datagram: inout [UInt8], header: Int, key: DatagramKey, counter: UInt64)
    /// What a sealed datagram holds after its header, or nil when it does not authenticate.
    func open(_ datagram: [UInt8], header: Int, key: DatagramKey, counter: UInt64) -> [UInt8]?
    /// What stands for `node` in a clear header, for members only.
    func hint(of node: NodeID) -> UInt64
    /// Names the key of this mesh's gate.
    var meshKeyID: UInt64 { get }
    /// Names the keys that it replaced and that others may still use, newest first; few.
    var supersededKeyIDs: [UInt64] { get }
    /// What stands for `node` in a clear header that names this replaced key.
    func hint(of node: NodeID, under keyID: UInt64) -> UInt64
}

extension DatagramCipher {
    /// None.
    public var supersededKeyIDs: [UInt64] { [] }
    /// For keys that are no secret.
    public func isSame(_ one: DatagramKey, _ other: DatagramKey) -> Bool {
        one.words == other.words
    }
    /// As under the current key.
    public func hint(of node: NodeID, under keyID: UInt64) -> UInt64 { hint(of: node) }
}

extension BootID {
    /// Names a start by its generation, which grows from start to start, and by chance.
    ///
    /// The generation puts starts in order, so that peers tell recordings of all earlier starts with
    /// one word of memory. Chance keeps starts apart whose generation was set back (a restored
    /// backup); such a start is believed all the same, one round trip later.
    public init(generation: UInt64, using generator: inout some RandomNumberGenerator) {
        self.init(high: generation, low: generator.next())
    }
}
