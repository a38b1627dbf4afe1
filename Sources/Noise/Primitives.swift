import Secrets

/// The functions of section 12 over `Secrets`. What is secret stays in memory that is wiped.
enum Primitives {
    static func hash(_ parts: [UInt8]...) -> [UInt8] {
        blake2b(parts.flatMap { $0 }, length: NoiseLimits.hashBytes)
    }

    /// HMAC (RFC 2104) over BLAKE2b with its 128-byte block: Noise demands HMAC proper, not
    /// BLAKE2b's own keyed mode. The key is a hash at most, and `output` has a hash's length.
    ///
    /// - Parameter input: Up to 80 bytes: in HKDF, a hash and a byte or a key.
    private static func hmac(
        key: UnsafeRawBufferPointer, _ input: UnsafeRawBufferPointer, _ suffix: UInt8?,
        into output: UnsafeMutableRawBufferPointer
    ) {
        let block = 128
        precondition(key.count <= NoiseLimits.hashBytes && input.count <= 80)
        // A block, the input and its suffix: this never leaves the stack, and is wiped.
        withUnsafeTemporaryAllocation(byteCount: block + 96, alignment: 1) { work in
            defer { wipe(work) }
            func pad(_ mask: UInt8) {
                for index in 0..<block { work[index] = (index < key.count ? key[index] : 0) ^ mask }
            }
            pad(0x36)
            UnsafeMutableRawBufferPointer(rebasing: work[block...]).copyBytes(from: input)
            var length = block + input.count
            if let suffix {
                work[length] = suffix
                length += 1
            }
            digest(UnsafeRawBufferPointer(rebasing: work[..<length]), into: output)
            pad(0x5c)
            UnsafeMutableRawBufferPointer(rebasing: work[block...])
                .copyBytes(from: UnsafeRawBufferPointer(output))
            length = block + NoiseLimits.hashBytes
            digest(UnsafeRawBufferPointer(rebasing: work[..<length]), into: output)
        }
    }

    /// HKDF of section 4.3, with two or three outputs of a hash's length.
    static func hkdf(
        chainingKey: SecretBytes, input: UnsafeRawBufferPointer, outputs: Int
    ) -> [SecretBytes] {
        let secret = SecretBytes(count: NoiseLimits.hashBytes, in: .pooled) { output in
            chainingKey.withUnsafeBytes { hmac(key: $0, input, nil, into: output) }
        }
        var results: [SecretBytes] = []
        for counter in 1...UInt8(outputs) {
            results.append(
                SecretBytes(count: NoiseLimits.hashBytes, in: .pooled) { output in
                    secret.withUnsafeBytes { key in
                        guard let last = results.last else {
                            return hmac(
                                key: key, UnsafeRawBufferPointer(start: nil, count: 0), counter,
                                into: output)
                        }
                        last.withUnsafeBytes { hmac(key: key, $0, counter, into: output) }
                    }
                })
        }
        return results
    }

    static func dh(secret: SecretBytes, public remote: [UInt8]) throws(NoiseError) -> SecretBytes {
        do { return try KeyAgreement.agree(secret, with: remote) } catch {
            switch error {
            case .badLength: throw .badKey
            case .nonCanonical: throw .nonCanonicalKey
            case .lowOrder: throw .lowOrderKey
            }
        }
    }
}
