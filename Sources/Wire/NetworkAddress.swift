/// Where a member may be reached: a host and a port, the same number for streams and datagrams.
public struct NetworkAddress: Hashable, Sendable {
    /// A host as it travels.
    public enum Host: Hashable, Sendable {
        /// Four bytes of an IPv4 address.
        case v4([UInt8])
        /// Sixteen bytes of an IPv6 address.
        case v6([UInt8])
        /// A name to resolve each time it is used: 1 to 253 bytes of letters, digits, `.`, `-`, `_`.
        case name(String)
    }

    /// The host.
    public let host: Host
    /// The port, from 1.
    public let port: UInt16

    /// An address, or nil when the host is not in the form its case documents or the port is 0.
    public init?(host: Host, port: UInt16) {
        guard port != 0 else { return nil }
        switch host {
        case .v4(let bytes): guard bytes.count == 4 else { return nil }
        case .v6(let bytes): guard bytes.count == 16 else { return nil }
        case .name(let name): guard Self.isHostName(name) else { return nil }
        }
        self.host = host
        self.port = port
    }

    /// Parses `1.2.3.4:7433`, `[2001:db8::1]:7433` or `name.example:7433`.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var hostText = String(text[..<colon])
        if hostText.hasPrefix("["), hostText.hasSuffix("]") {
            hostText = String(hostText.dropFirst().dropLast())
            guard let bytes = Self.parseIPv6(hostText) else { return nil }
            self.init(host: .v6(bytes), port: port)
        } else if let bytes = Self.parseIPv4(hostText) {
            self.init(host: .v4(bytes), port: port)
        } else {
            self.init(host: .name(hostText), port: port)
        }
    }

    /// The host alone, as people write it (an IPv6 address without brackets).
    public var hostText: String {
        switch host {
        case .v4(let bytes): return bytes.map(String.init).joined(separator: ".")
        case .v6(let bytes):
            return stride(from: 0, to: 16, by: 2).map {
                String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
            }.joined(separator: ":")
        case .name(let name): return name
        }
    }

    /// Whether the host is this machine itself.
    public var isLoopback: Bool {
        switch host {
        case .v4(let bytes): bytes[0] == 127
        case .v6(let bytes): bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
        case .name(let name): name == "localhost"
        }
    }

    private static func isHostName(_ name: String) -> Bool {
        let utf8 = name.utf8
        guard (1...WireLimits.hostNameBytesMax).contains(utf8.count) else { return false }
        // A name of digits and dots alone would be taken for a mistyped IPv4 address.
        guard
            utf8.contains(where: {
                !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) && $0 != UInt8(ascii: ".")
            })
        else { return false }
        return utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private static func parseIPv4(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let bytes = parts.compactMap { $0.count <= 3 ? UInt8($0) : nil }
        return bytes.count == 4 ? bytes : nil
    }

    private static func parseIPv6(_ text: String) -> [UInt8]? {
        func groups(_ part: Substring) -> [UInt8]? {
            if part.isEmpty { return [] }
            var bytes: [UInt8] = []
            for group in part.split(separator: ":", omittingEmptySubsequences: false) {
                guard (1...4).contains(group.count), let value = UInt16(group, radix: 16) else {
                    return nil
                }
                bytes += [UInt8(value >> 8), UInt8(value & 255)]
            }
            return bytes
        }
        guard let gap = text.firstRange(of: "::") else {
            guard let bytes = groups(text[...]), bytes.count == 16 else { return nil }
            return bytes
        }
        guard let head = groups(text[..<gap.lowerBound]),
            let tail = groups(text[gap.upperBound...]),
            head.count + tail.count <= 14
        else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }
}

extension NetworkAddress: CustomStringConvertible {
    /// The form for print.
    public var description: String {
        if case .v6 = host { return "[\(hostText)]:\(port)" }
        return "\(hostText):\(port)"
    }
}

extension NetworkAddress: WireCodable {
    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        switch host {
        case .v4(let bytes):
            writer.writeInteger(UInt8(4))
            writer.writeBytes(bytes)
        case .v6(let bytes):
            writer.writeInteger(UInt8(6))
            writer.writeBytes(bytes)
        case .name(let name):
            writer.writeInteger(UInt8(1))
            writer.writeString16(name)
        }
        writer.writeInteger(port)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let host: Host
        switch try reader.readUInt8() {
        case 4: host = .v4(Array(try reader.readBytes(4)))
        case 6: host = .v6(Array(try reader.readBytes(16)))
        case 1:
            host = .name(
                try reader.readString16(field: "host name", limit: WireLimits.hostNameBytesMax))
        default: throw .invalid(field: "address kind")
        }
        let port: UInt16 = try reader.readInteger()
        guard let address = NetworkAddress(host: host, port: port) else {
            throw .invalid(field: "address")
        }
        self = address
    }
}

extension ByteWriter {
    /// Appends a list of at most ``WireLimits/addressesMax`` addresses, preceded by its count.
    public mutating func writeAddresses(_ addresses: [NetworkAddress]) {
        let kept = addresses.prefix(WireLimits.addressesMax)
        writeInteger(UInt8(kept.count))
        for address in kept { address.encode(to: &self) }
    }
}

extension ByteReader {
    /// A list written by ``ByteWriter/writeAddresses(_:)``.
    public mutating func readAddresses() throws(WireError) -> [NetworkAddress] {
        let count = Int(try readUInt8())
        guard count <= WireLimits.addressesMax else {
            throw .tooLarge(field: "addresses", value: count, limit: WireLimits.addressesMax)
        }
        var addresses: [NetworkAddress] = []
        for _ in 0..<count { addresses.append(try NetworkAddress(from: &self)) }
        return addresses
    }
}
