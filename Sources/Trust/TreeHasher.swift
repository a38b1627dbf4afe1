internal import Secrets
public import Wire

/// A model's digest, computed as its file is read: the root of a binary BLAKE2b tree over leaves
/// of 1 MiB.
///
/// Leaves, inner nodes and the root are hashed in domains of their own, and the root binds the
/// file's length, so that no file can be taken for another's subtree. An odd node moves up a level
/// as it is. The digest of the empty file is the root over no leaf.
public struct TreeHasher: Sendable {
    /// Bytes of a leaf; the last may be shorter.
    public static let leafBytes = 1 << 20

    private var pending: [UInt8] = []
    private var length: UInt64 = 0
    /// Complete subtrees, the tallest first, as (height, digest).
    private var stack: [(height: Int, digest: [UInt8])] = []

    /// A hasher of nothing yet.
    public init() {}

    /// The digest of one leaf: what a piece fetched from a peer is checked against.
    public static func leafDigest(_ leaf: [UInt8]) -> [UInt8] {
        blake2b(domain: "shoal model leaf v1", leaf)
    }

    /// Takes in the next bytes of the file.
    public mutating func update(_ bytes: [UInt8]) {
        length += UInt64(bytes.count)
        pending += bytes
        var start = 0
        while pending.count - start >= Self.leafBytes {
            push(Self.leafDigest(Array(pending[start..<start + Self.leafBytes])))
            start += Self.leafBytes
        }
        pending.removeFirst(start)
    }

    /// The digest of all that was taken in.
    public mutating func finalize() -> ModelDigest {
        if !pending.isEmpty {
            push(Self.leafDigest(pending))
            pending = []
        }
        var top: [UInt8] = []
        while let (_, digest) = stack.popLast() {
            top = top.isEmpty ? digest : Self.join(digest, top)
        }
        var writer = ByteWriter()
        writer.writeInteger(length)
        writer.writeBytes(top)
        guard let root = ModelDigest(blake2b(domain: "shoal model root v1", writer.bytes)) else {
            preconditionFailure("a digest of 32 bytes is an identifier")
        }
        return root
    }

    private static func join(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        blake2b(domain: "shoal model node v1", left + right)
    }

    private mutating func push(_ digest: [UInt8]) {
        var node = (height: 0, digest: digest)
        while let last = stack.last, last.height == node.height {
            stack.removeLast()
            node = (node.height + 1, Self.join(last.digest, node.digest))
        }
        stack.append(node)
    }
}
