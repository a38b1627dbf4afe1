import CSodium

/// BLAKE2b (RFC 7693) of `message` into all of `output` (16 to 64 bytes), keyed with at most 64
/// bytes.
public func digest(
    _ message: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer? = nil,
    into output: UnsafeMutableRawBufferPointer
) {
    _ = Sodium.ready
    guard let start = output.bindMemory(to: UInt8.self).baseAddress else {
        preconditionFailure("a digest has 16 bytes at least")
    }
    // Lengths go with their addresses; libsodium answers lengths that BLAKE2b lacks by a code.
    let code = crypto_generichash(
        start, output.count, message.bindMemory(to: UInt8.self).baseAddress,
        UInt64(message.count), key?.bindMemory(to: UInt8.self).baseAddress, key?.count ?? 0)
    precondition(code == 0, "BLAKE2b with a key or digest of a length it does not have")
}

/// The BLAKE2b digest of `bytes`, optionally keyed.
///
/// - Parameters:
///   - key: At most 64 bytes.
///   - length: 16 to 64 bytes.
public func blake2b(_ bytes: [UInt8], key: [UInt8] = [], length: Int = 32) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: length)
    output.withUnsafeMutableBytes { output in
        bytes.withUnsafeBytes { bytes in
            key.withUnsafeBytes { digest(bytes, key: $0, into: output) }
        }
    }
    return output
}

/// A digest of `bytes` under a name of its own and a zero byte, so that a digest made for one
/// purpose can never be taken for one made for another.
public func blake2b(domain: String, _ bytes: [UInt8], length: Int = 32) -> [UInt8] {
    blake2b(Array(domain.utf8) + [0] + bytes, length: length)
}

/// The same, keyed with a secret of at most 64 bytes.
public func blake2b(
    domain: String, _ bytes: [UInt8], key: SecretBytes, length: Int = 32
) -> [UInt8] {
    let message = Array(domain.utf8) + [0] + bytes
    var output = [UInt8](repeating: 0, count: length)
    output.withUnsafeMutableBytes { output in
        message.withUnsafeBytes { message in
            key.withUnsafeBytes { digest(message, key: $0, into: output) }
        }
    }
    return output
}
