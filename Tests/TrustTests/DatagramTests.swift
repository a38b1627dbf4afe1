import Secrets
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

    private func roots() throws -> (SecretBytes, SecretBytes) {
        let (a, b, id) = (mesh.node.nodeID, mesh.issuer.nodeID, mesh.genesis.id)
        return (
            try DatagramRoot.make(ours: ours, node: a, theirs: theirs.publicKey, peer: b, mesh: id),
            try DatagramRoot.make(ours: theirs, node: b, theirs: ours.publicKey, peer: a, mesh: id)
        )
    }

    private func key(
        _ root: SecretBytes, _ sender: NodeID, _ receiver: NodeID, _ boots: (BootID, BootID)
    ) -> [UInt8] {
        DatagramRoot.sendingKey(
            root: root, sender: sender, receiver: receiver, senderBoot: boots.0,
            receiverBoot: boots.1
        ).withUnsafeBytes { Array($0) }
    }

    @Test func bothEndsComeToOneKeyForEachDirection() throws {
        let (left, right) = try roots()
        let (a, b) = (mesh.node.nodeID, mesh.issuer.nodeID)
        let there = key(left, a, b, (bootA, bootB))
        #expect(there == key(right, a, b, (bootA, bootB)))
        #expect(there != key(left, b, a, (bootB, bootA)) && there.count == 32)
    }

    @Test func aKeyDependsOnNodesMeshAndBothStarts() throws {
        let (a, b, id) = (mesh.node.nodeID, mesh.issuer.nodeID, mesh.genesis.id)
        let root = try roots().0
        let otherMesh = try DatagramRoot.make(
            ours: ours, node: a, theirs: theirs.publicKey, peer: b, mesh: MeshID(number: 1))
        let otherNode = try DatagramRoot.make(
            ours: ours, node: a, theirs: theirs.publicKey, peer: mesh.authority.nodeID, mesh: id)
        let keys = [
            key(root, a, b, (bootA, bootB)), key(root, a, b, (bootB, bootA)),
            key(root, a, b, (bootA, .zero)), key(otherMesh, a, b, (bootA, bootB)),
            key(otherNode, a, b, (bootA, bootB)),
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
                _ = try DatagramRoot.make(
                    ours: ours, node: mesh.node.nodeID, theirs: key, peer: mesh.issuer.nodeID,
                    mesh: mesh.genesis.id)
            }
        }
    }

    private func key(_ byte: UInt8) -> SecretBytes {
        SecretBytes([UInt8](repeating: byte, count: 32), in: .pooled)
    }

    @Test func whatWasSealedOpensAndNothingElseDoes() throws {
        let key = key(8)
        let header: [UInt8] = [1, 2, 3]
        for plaintext in [[], [9], [UInt8](repeating: 5, count: 1200)] {
            var sealed = header + plaintext
            DatagramSeal.seal(&sealed, header: 3, key: key, counter: 7)
            #expect(sealed.count == 3 + plaintext.count + DatagramSeal.tagBytes)
            #expect(sealed.prefix(3) == header[...])
            #expect(try DatagramSeal.open(sealed, header: 3, key: key, counter: 7) == plaintext)
        }
        var sealed = header + [1, 2]
        DatagramSeal.seal(&sealed, header: 3, key: key, counter: 7)
        func refused(
            _ bytes: [UInt8], _ key: SecretBytes, _ counter: UInt64 = 7, header: Int = 3
        ) -> Bool {
            do {
                _ = try DatagramSeal.open(bytes, header: header, key: key, counter: counter)
                return false
            } catch { return error == .notAuthentic }
        }
        #expect(refused(sealed, self.key(9)))
        #expect(refused(sealed, key, 8))
        #expect(refused(sealed, key, 7 + 1 << 32))
        #expect(refused(sealed, key, header: 2))
        for count in 0..<sealed.count { #expect(refused(Array(sealed.prefix(count)), key)) }
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(refused(changed, key))
        }
    }

    @Test func theCipherIsThatOfRFC8439() throws {
        // Section 2.8.2's key, plaintext and associated data; its nonce has a constant where ours
        // has zeros, so the expected bytes come from the Python package cryptography 50.0.2.
        let key = SecretBytes((0x80...0x9f).map { UInt8($0) }, in: .pooled)
        let text = Array(
            ("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
                + "future, sunscreen would be it.").utf8)
        let header: [UInt8] = [
            0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
        ]
        var sealed = header + text
        DatagramSeal.seal(
            &sealed, header: header.count, key: key, counter: 0x4746_4544_4342_4140)
        let hidden = sealed.dropFirst(header.count)
        #expect(hexadecimal(hidden.prefix(16)) == "a479cb54628946d6f4042a8e384ef4bd")
        #expect(hexadecimal(hidden.suffix(16)) == "2dbf189b668bd430aef9147e99cb6c89")
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
