import Testing
import Wire

@testable import Trust

struct DatagramTests {
    let mesh: SampleMesh
    let ours: LinkKeyPair
    let theirs: LinkKeyPair
    let bootA = BootID(high: 1, low: 2)
    let bootB = BootID(high: 3, low: 4)

    init() throws {
        mesh = try SampleMesh()
        let end = SampleMesh.now + SampleMesh.day
        ours = LinkKeyPair(secretKey: [UInt8](repeating: 21, count: 32), notAfter: end)
        theirs = LinkKeyPair(secretKey: [UInt8](repeating: 22, count: 32), notAfter: end)
    }

    private func roots() throws -> (DatagramRoot, DatagramRoot) {
        let (a, b, id) = (mesh.node.nodeID, mesh.issuer.nodeID, mesh.genesis.id)
        return (
            try DatagramRoot(ours: ours, node: a, theirs: theirs.publicKey, peer: b, mesh: id),
            try DatagramRoot(ours: theirs, node: b, theirs: ours.publicKey, peer: a, mesh: id)
        )
    }

    @Test func bothEndsComeToOneKeyForEachDirection() throws {
        let (left, right) = try roots()
        let (a, b) = (mesh.node.nodeID, mesh.issuer.nodeID)
        let there = left.sendingKey(sender: a, receiver: b, senderBoot: bootA, receiverBoot: bootB)
        #expect(
            there
                == right.sendingKey(sender: a, receiver: b, senderBoot: bootA, receiverBoot: bootB))
        let back = left.sendingKey(sender: b, receiver: a, senderBoot: bootB, receiverBoot: bootA)
        #expect(there != back && there.count == 32)
    }

    @Test func aKeyDependsOnNodesMeshAndBothStarts() throws {
        let (a, b, id) = (mesh.node.nodeID, mesh.issuer.nodeID, mesh.genesis.id)
        let root = try roots().0
        func key(_ root: DatagramRoot, _ sender: BootID, _ receiver: BootID) -> [UInt8] {
            root.sendingKey(sender: a, receiver: b, senderBoot: sender, receiverBoot: receiver)
        }
        let otherMesh = try DatagramRoot(
            ours: ours, node: a, theirs: theirs.publicKey, peer: b, mesh: MeshID(number: 1))
        let otherNode = try DatagramRoot(
            ours: ours, node: a, theirs: theirs.publicKey, peer: mesh.authority.nodeID, mesh: id)
        let keys = [
            key(root, bootA, bootB), key(root, bootB, bootA), key(root, bootA, .zero),
            key(otherMesh, bootA, bootB), key(otherNode, bootA, bootB),
        ]
        #expect(Set(keys).count == keys.count)
    }

    @Test func aLinkKeyOfLowOrderIsRefused() throws {
        for bytes in [
            [UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31),
            [0xec] + [UInt8](repeating: 0xff, count: 30) + [0x7f],
        ] {
            let key = try #require(LinkKey(bytes))
            #expect(throws: TrustError.degenerateKey) {
                _ = try DatagramRoot(
                    ours: ours, node: mesh.node.nodeID, theirs: key, peer: mesh.issuer.nodeID,
                    mesh: mesh.genesis.id)
            }
        }
    }

    @Test func whatWasSealedOpensAndNothingElseDoes() throws {
        let key = [UInt8](repeating: 8, count: 32)
        let header: [UInt8] = [1, 2, 3]
        for plaintext in [[], [9], [UInt8](repeating: 5, count: 1200)] {
            let sealed = DatagramSeal.seal(key: key, counter: 7, header: header, plaintext)
            #expect(sealed.count == plaintext.count + DatagramSeal.tagBytes)
            #expect(
                try DatagramSeal.open(key: key, counter: 7, header: header, sealed) == plaintext)
        }
        let sealed = DatagramSeal.seal(key: key, counter: 7, header: header, [1, 2])
        func refused(_ key: [UInt8], _ counter: UInt64, _ header: [UInt8], _ bytes: [UInt8]) -> Bool
        {
            do {
                _ = try DatagramSeal.open(key: key, counter: counter, header: header, bytes)
                return false
            } catch { return error == .notAuthentic }
        }
        #expect(refused([UInt8](repeating: 9, count: 32), 7, header, sealed))
        #expect(refused(key, 8, header, sealed))
        #expect(refused(key, 7 + 1 << 32, header, sealed))
        #expect(refused(key, 7, [1, 2], sealed))
        for count in 0..<sealed.count {
            #expect(refused(key, 7, header, Array(sealed.prefix(count))))
        }
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(refused(key, 7, header, changed))
        }
    }

    @Test func theCipherIsThatOfRFC8439() throws {
        // Section 2.8.2's key, plaintext and associated data; its nonce has a constant where ours
        // has zeros, so the expected bytes come from the Python package cryptography 50.0.2.
        let key = (0x80...0x9f).map { UInt8($0) }
        let text = Array(
            ("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
                + "future, sunscreen would be it.").utf8)
        let header: [UInt8] = [
            0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
        ]
        let sealed = DatagramSeal.seal(
            key: key, counter: 0x4746_4544_4342_4140, header: header, text)
        #expect(hexadecimal(sealed.prefix(16)) == "a479cb54628946d6f4042a8e384ef4bd")
        #expect(hexadecimal(sealed.suffix(16)) == "2dbf189b668bd430aef9147e99cb6c89")
    }
}

struct TreeHasherTests {
    private func digest(_ bytes: [UInt8], pieces: Int) -> ModelDigest {
        var hasher = TreeHasher()
        var start = 0
        while start < bytes.count {
            let end = min(start + pieces, bytes.count)
            hasher.update(Array(bytes[start..<end]))
            start = end
        }
        return hasher.finalize()
    }

    /// The tree as its documentation describes it, level by level.
    private func oracle(_ bytes: [UInt8]) -> ModelDigest? {
        func hash(_ domain: String, _ bytes: [UInt8]) -> [UInt8] {
            blake2b(Array(domain.utf8) + [0] + bytes)
        }
        var level: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: TreeHasher.leafBytes) {
            let end = min(start + TreeHasher.leafBytes, bytes.count)
            level.append(hash("shoal model leaf v1", Array(bytes[start..<end])))
        }
        while level.count > 1 {
            var above: [[UInt8]] = []
            for index in stride(from: 0, to: level.count - 1, by: 2) {
                above.append(hash("shoal model node v1", level[index] + level[index + 1]))
            }
            if !level.count.isMultiple(of: 2) { above.append(level[level.count - 1]) }
            level = above
        }
        var root = ByteWriter()
        root.writeInteger(UInt64(bytes.count))
        root.writeBytes(level.first ?? [])
        return ModelDigest(hash("shoal model root v1", root.bytes))
    }

    @Test(arguments: [0, 1, 1 << 20, (1 << 20) + 1, 3 << 20, 5 << 20 | 77, 7 << 20])
    func theDigestIsTheTreesRoot(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
        let expected = oracle(bytes)
        for pieces in [1 << 20, 1_000_003, 4 << 20] {
            #expect(digest(bytes, pieces: pieces) == expected, "in pieces of \(pieces)")
        }
    }

    @Test func filesThatDifferByLengthOrByteDiffer() {
        let zeros = [UInt8](repeating: 0, count: (1 << 20) + 1)
        var changed = zeros
        changed[1 << 20] = 1
        let digests = [
            digest([], pieces: 1), digest([0], pieces: 1), digest([0, 0], pieces: 2),
            digest(zeros, pieces: 1 << 20), digest(changed, pieces: 1 << 20),
            digest(Array(zeros.dropLast()), pieces: 1 << 20),
        ]
        #expect(Set(digests).count == digests.count)
    }
}
