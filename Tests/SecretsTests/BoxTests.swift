import Testing

@testable import Secrets

struct BoxTests {
    static let key = (0x80..<0xa0).map { UInt8($0) }

    private func seal(_ plaintext: [UInt8], data: [UInt8] = [], counter: UInt64 = 7) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: plaintext.count + Box.tagBytes)
        output.withUnsafeMutableBytes { output in
            plaintext.withUnsafeBytes { plaintext in
                data.withUnsafeBytes { data in
                    Self.key.withUnsafeBytes {
                        Box.seal(
                            plaintext, into: output, associatedData: data, counter: counter,
                            key: $0)
                    }
                }
            }
        }
        return output
    }

    private func open(_ sealed: [UInt8], data: [UInt8] = [], counter: UInt64 = 7) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: max(sealed.count - Box.tagBytes, 0))
        let isAuthentic = output.withUnsafeMutableBytes { output in
            sealed.withUnsafeBytes { sealed in
                data.withUnsafeBytes { data in
                    Self.key.withUnsafeBytes {
                        Box.open(
                            sealed, into: output, associatedData: data, counter: counter, key: $0)
                    }
                }
            }
        }
        return isAuthentic ? output : nil
    }

    @Test(arguments: [0, 1, 15, 16, 17, 16_384])
    func whatWasSealedOpensAndNothingElse(_ count: Int) {
        let plaintext = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let sealed = seal(plaintext, data: [1, 2])
        #expect(open(sealed, data: [1, 2]) == plaintext)
        #expect(open(sealed, data: [1]) == nil)
        #expect(open(sealed, data: [1, 2], counter: 8) == nil)
        #expect(open(sealed, data: [1, 2], counter: 7 | 1 << 32) == nil)
        #expect(open(sealed.dropLast(), data: [1, 2]) == nil)
    }

    @Test func lessThanATagIsRefused() {
        for count in 0..<Box.tagBytes {
            #expect(open([UInt8](repeating: 0, count: count)) == nil)
        }
    }

    @Test func theCountersBytesAreAsNoiseHasThem() {
        // RFC 8439, 2.8.2, has another constant in the nonce; Noise's zeros are covered by the
        // handshake's vectors. Here: all eight bytes of the counter count.
        let sealed = (0..<64).map { seal([0, 0, 0, 0, 0, 0, 0, 0], counter: 1 << UInt64($0)) }
        #expect(Set(sealed).count == 64)
    }
}
