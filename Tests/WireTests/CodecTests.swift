import Testing

@testable import Wire

@Suite struct CodecTests {
    @Test func integersAreBigEndian() throws {
        var writer = ByteWriter()
        writer.writeInteger(UInt32(0x0102_0304))
        #expect(writer.bytes == [1, 2, 3, 4])
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readInteger(as: UInt32.self) == 0x0102_0304)
    }

    @Test func everyTruncationOfAnAddressIsRefused() throws {
        for text in ["10.1.2.3:7433", "[2001:db8::1]:9", "node.example:80"] {
            let address = try #require(NetworkAddress(text))
            let bytes = address.encoded
            #expect(try NetworkAddress(decoding: bytes) == address)
            for length in 0..<bytes.count {
                #expect(throws: WireError.self) {
                    try NetworkAddress(decoding: Array(bytes.prefix(length)))
                }
            }
        }
    }

    @Test(arguments: ["", "1.2.3:80", "1.2.3.4:0", "1.2.3.400:80", "[::1:80", "a b:80", "::1:80"])
    func textThatIsNoAddressIsRefused(text: String) {
        #expect(NetworkAddress(text) == nil)
    }

    @Test func identifiersSurviveHexadecimalAndOrderAsBytes() throws {
        let low = NodeID(number: 1)
        let high = try #require(NodeID([UInt8](repeating: 0xfe, count: 32)))
        #expect(low < high)
        #expect(NodeID(hex: high.hex) == high)
        #expect(NodeID(hex: "zz") == nil)
    }
}
