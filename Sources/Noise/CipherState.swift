import Secrets

/// One direction of a session's cipher: section 5.1's CipherState.
///
/// There are three faces, from the most convenient to the fastest: arrays in and out; in place
/// within the caller's array; from and to memory of the caller's. All seal to the same bytes. A
/// message of a length that Noise does not allow is refused before libsodium sees it, and whatever is
/// refused leaves the message number as it was.
///
/// The key lies in locked memory and is wiped when the last copy of the cipher goes or renews it.
public struct CipherState: Sendable, CustomStringConvertible, CustomReflectable {
    private var key: SecretBytes

    /// The number of the next message. The last that works is 2^64 − 2: the one above is kept for
    /// ``rekey()``. Past it every call fails with ``NoiseError/nonceExhausted``, for good.
    public private(set) var nonce: UInt64 = 0

    /// A cipher before its first message.
    ///
    /// - Parameter key: 32 bytes, or more of which the first 32 count: section 5.2 cuts hashes so.
    init(key: SecretBytes) {
        self.key =
            key.count == NoiseLimits.keyBytes
            ? key
            : key.withUnsafeBytes {
                SecretBytes(
                    UnsafeRawBufferPointer(rebasing: $0[..<NoiseLimits.keyBytes]), in: .pooled)
            }
    }

    /// A cipher at a given message number, for tests of what happens at the last ones.
    init(key: [UInt8], nonce: UInt64 = 0) {
        self.key = SecretBytes(key, in: .pooled)
        self.nonce = nonce
    }

    // MARK: Arrays

    /// The ciphertext of `plaintext`: 16 bytes longer.
    public mutating func seal(
        _ plaintext: [UInt8], associatedData: [UInt8] = []
    ) throws(NoiseError) -> [UInt8] {
        try checkPlaintext(plaintext.count)
        let count = plaintext.count + NoiseLimits.tagBytes
        let ciphertext = [UInt8](unsafeUninitializedCapacity: count) { output, written in
            let output = UnsafeMutableRawBufferPointer(output)
            plaintext.withUnsafeBytes { plaintext in
                associatedData.withUnsafeBytes { encrypt(plaintext, $0, into: output) }
            }
            written = count
        }
        nonce += 1
        return ciphertext
    }

    /// The plaintext of `ciphertext`. A failure leaves the message number as it was.
    public mutating func open(
        _ ciphertext: [UInt8], associatedData: [UInt8] = []
    ) throws(NoiseError) -> [UInt8] {
        try checkCiphertext(ciphertext.count)
        let count = ciphertext.count - NoiseLimits.tagBytes
        var isAuthentic = false
        let plaintext = [UInt8](unsafeUninitializedCapacity: count) { output, written in
            let output = UnsafeMutableRawBufferPointer(output)
            isAuthentic = ciphertext.withUnsafeBytes { ciphertext in
                associatedData.withUnsafeBytes { decrypt(ciphertext, $0, into: output) }
            }
            // Nothing is read of what a failure left there.
            written = isAuthentic ? count : 0
        }
        guard isAuthentic else { throw .notAuthentic }
        nonce += 1
        return plaintext
    }

    // MARK: In place

    /// Seals what `buffer` holds from index `start` on where it lies, and appends the tag. With 16
    /// bytes of spare capacity nothing is allocated or copied.
    public mutating func seal(
        inPlace buffer: inout [UInt8], from start: Int
    ) throws(NoiseError) {
        precondition((0...buffer.count).contains(start), "the plaintext lies in the buffer")
        let count = buffer.count - start
        try checkPlaintext(count)
        buffer.append(contentsOf: repeatElement(0, count: NoiseLimits.tagBytes))
        buffer.withUnsafeMutableBytes { buffer in
            let output = UnsafeMutableRawBufferPointer(rebasing: buffer[start...])
            encrypt(
                UnsafeRawBufferPointer(rebasing: output[..<count]), Self.nothing, into: output)
        }
        nonce += 1
    }

    /// Opens the ciphertext at `range` of `buffer` where it lies. The plaintext then begins at the
    /// range's start and is 16 bytes shorter; the bytes after it are of no meaning.
    ///
    /// - Returns: The plaintext's range.
    public mutating func open(
        inPlace buffer: inout [UInt8], at range: Range<Int>
    ) throws(NoiseError) -> Range<Int> {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= buffer.count,
            "the ciphertext lies in the buffer")
        try checkCiphertext(range.count)
        let isAuthentic = buffer.withUnsafeMutableBytes { buffer in
            let output = UnsafeMutableRawBufferPointer(rebasing: buffer[range])
            return decrypt(UnsafeRawBufferPointer(output), Self.nothing, into: output)
        }
        guard isAuthentic else { throw .notAuthentic }
        nonce += 1
        return range.dropLast(NoiseLimits.tagBytes)
    }

    // MARK: The caller's memory

    /// Seals `plaintext` into the beginning of `output`, which has 16 bytes more and begins at the
    /// plaintext's own address or does not overlap it.
    ///
    /// - Returns: How many bytes were written.
    @discardableResult
    public mutating func seal(
        _ plaintext: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(NoiseError) -> Int {
        try checkPlaintext(plaintext.count)
        let count = plaintext.count + NoiseLimits.tagBytes
        guard output.count >= count else { throw .badLength }
        encrypt(plaintext, Self.nothing, into: output)
        nonce += 1
        return count
    }

    /// Opens `ciphertext` into the beginning of `output`, which has room for all but the tag and
    /// begins at the ciphertext's own address or does not overlap it. After a failure what it holds
    /// is of no meaning.
    ///
    /// - Returns: How many bytes were written.
    @discardableResult
    public mutating func open(
        _ ciphertext: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(NoiseError) -> Int {
        try checkCiphertext(ciphertext.count)
        let count = ciphertext.count - NoiseLimits.tagBytes
        guard output.count >= count else { throw .badLength }
        guard decrypt(ciphertext, Self.nothing, into: output) else { throw .notAuthentic }
        nonce += 1
        return count
    }

    /// Replaces the key by a one-way function of itself (section 4.2): the first 32 bytes of zeros
    /// sealed under the number 2^64 − 1. The message number goes on.
    public mutating func rekey() {
        key = SecretBytes(count: NoiseLimits.keyBytes, in: .pooled) { output in
            withUnsafeTemporaryAllocation(
                byteCount: NoiseLimits.keyBytes + NoiseLimits.tagBytes, alignment: 1
            ) { work in
                defer { wipe(work) }
                let zeros = UnsafeMutableRawBufferPointer(rebasing: work[..<NoiseLimits.keyBytes])
                wipe(zeros)
                key.withUnsafeBytes {
                    Box.seal(
                        UnsafeRawBufferPointer(zeros), into: work,
                        associatedData: Self.nothing, counter: .max, key: $0)
                }
                output.copyMemory(from: UnsafeRawBufferPointer(zeros))
            }
        }
    }

    // MARK: The cipher

    private static var nothing: UnsafeRawBufferPointer { .init(start: nil, count: 0) }

    private func checkPlaintext(_ count: Int) throws(NoiseError) {
        guard nonce < .max else { throw .nonceExhausted }
        guard count <= NoiseLimits.messageBytesMax - NoiseLimits.tagBytes else { throw .badLength }
    }

    private func checkCiphertext(_ count: Int) throws(NoiseError) {
        guard nonce < .max else { throw .nonceExhausted }
        guard (NoiseLimits.tagBytes...NoiseLimits.messageBytesMax).contains(count) else {
            throw .badLength
        }
    }

    private func encrypt(
        _ plaintext: UnsafeRawBufferPointer, _ associatedData: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) {
        key.withUnsafeBytes {
            Box.seal(
                plaintext, into: output, associatedData: associatedData, counter: nonce, key: $0)
        }
    }

    private func decrypt(
        _ ciphertext: UnsafeRawBufferPointer, _ associatedData: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        key.withUnsafeBytes {
            Box.open(
                ciphertext, into: output, associatedData: associatedData, counter: nonce, key: $0)
        }
    }

    /// Never shows the key.
    public var description: String { "CipherState(redacted)" }
    /// Never shows the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
