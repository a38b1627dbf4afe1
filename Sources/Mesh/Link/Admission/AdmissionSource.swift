public import Wire

/// What counts as one source of connections: an IPv4 address, or an IPv6 /56, which one household
/// may hold.
public struct AdmissionSource: Hashable, Sendable {
    private let number: UInt64

    /// Where a connection comes from whose address is not known: all of them are one source.
    public static let unknown = AdmissionSource(number: 0)

    private init(number: UInt64) { self.number = number }

    /// The source of 4 or 16 bytes of an address; anything else is ``unknown``. An IPv4 address in
    /// IPv6 clothes (`::ffff:1.2.3.4`) is the IPv4 address.
    public init(address: [UInt8]) {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        let kind: UInt64
        let bytes: ArraySlice<UInt8>
        switch address.count {
        case 4: (kind, bytes) = (4, address[...])
        case 16 where address.starts(with: mapped): (kind, bytes) = (4, address.suffix(4))
        case 16: (kind, bytes) = (6, address.prefix(7))
        default:
            self = .unknown
            return
        }
        number = bytes.reduce(kind) { $0 << 8 | UInt64($1) }
    }

    /// The source of an address as it travels; a name is ``unknown``.
    public init(_ host: NetworkAddress.Host) {
        switch host {
        case .v4(let bytes), .v6(let bytes): self.init(address: bytes)
        case .name: self = .unknown
        }
    }

    var bytes: [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
}
