internal import Wire

/// What a member may do. A set: one bit each.
public struct Roles: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt8

    /// The roles with these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// May certify members.
    public static let issuer = Roles(rawValue: 1)
    /// Runs requests for others.
    public static let server = Roles(rawValue: 2)
    /// Asks.
    public static let client = Roles(rawValue: 4)

    static let all: Roles = [.issuer, .server, .client]

    /// What a member does unless it is said otherwise: it serves and asks.
    public static let ordinary: Roles = [.server, .client]

    /// Whether a ticket can give them: some role, and never that of an issuer, which only the
    /// authority gives.
    public var canBeGranted: Bool { !isEmpty && Roles.ordinary.isSuperset(of: self) }

    /// The roles' names.
    public var names: [String] {
        [(Roles.issuer, "issuer"), (.server, "server"), (.client, "client")]
            .filter { contains($0.0) }.map(\.1)
    }
}

/// A label that the mesh's authority vouches for, such as `region=eu`.
public struct Label: Hashable, Comparable, Sendable {
    /// The key.
    public let key: String
    /// The value.
    public let value: String

    /// A label, or an error when key or value is not 1 to 63 letters, digits, `-`, `.` or `_`.
    public init(key: String, value: String) throws(TrustError) {
        guard isValidName(key, limit: TrustLimits.labelBytesMax),
            isValidName(value, limit: TrustLimits.labelBytesMax)
        else {
            throw .badName(
                "'\(key)=\(value)' is not a label: write KEY=VALUE, each of 1 to "
                    + "\(TrustLimits.labelBytesMax) letters, digits, '-', '.' or '_'")
        }
        self.key = key
        self.value = value
    }

    /// Parses `KEY=VALUE`.
    public init(_ text: String) throws(TrustError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw .badName("'\(text)' is not a label: write KEY=VALUE, such as region=eu")
        }
        try self.init(key: String(parts[0]), value: String(parts[1]))
    }

    /// Refuses a key that is given twice, and more labels than a certificate or ticket may have.
    public static func check(_ labels: [Label]) throws(TrustError) {
        guard labels.count <= TrustLimits.labelsMax else {
            throw .badName("\(labels.count) labels are more than \(TrustLimits.labelsMax)")
        }
        let byteCount = labels.reduce(0) { $0 + $1.encodedBytes }
        guard byteCount <= TrustLimits.labelsBytesMax else {
            throw .badName(
                "the labels take \(byteCount) bytes together, more than "
                    + "\(TrustLimits.labelsBytesMax): use fewer or shorter ones")
        }
        var keys: Set<String> = []
        for label in labels where !keys.insert(label.key).inserted {
            throw .badName("the label '\(label.key)' is given twice")
        }
    }

    /// Bytes of the label in a list.
    fileprivate var encodedBytes: Int { 4 + key.utf8.count + value.utf8.count }

    /// By key, then value.
    public static func < (left: Self, right: Self) -> Bool {
        (left.key, left.value) < (right.key, right.value)
    }
}

extension ByteWriter {
    mutating func writeLabels(_ labels: [Label]) {
        writeInteger(UInt8(labels.count))
        for label in labels {
            writeString16(label.key)
            writeString16(label.value)
        }
    }
}

extension ByteReader {
    /// Labels in strictly ascending order of their keys: one encoding, no key twice.
    mutating func readLabels() throws(WireError) -> [Label] {
        let count = Int(try readUInt8())
        guard count <= TrustLimits.labelsMax else {
            throw .tooLarge(field: "labels", value: count, limit: TrustLimits.labelsMax)
        }
        var labels: [Label] = []
        let start = consumed
        for _ in 0..<count {
            let key = try readString16(field: "label", limit: TrustLimits.labelBytesMax)
            let value = try readString16(field: "label", limit: TrustLimits.labelBytesMax)
            guard let label = try? Label(key: key, value: value) else {
                throw .invalid(field: "label")
            }
            if let last = labels.last, last.key >= label.key {
                throw .nonCanonical(field: "labels")
            }
            labels.append(label)
        }
        guard consumed - start <= TrustLimits.labelsBytesMax else {
            throw .tooLarge(
                field: "labels", value: consumed - start, limit: TrustLimits.labelsBytesMax)
        }
        return labels
    }

    mutating func readGrantedRoles() throws(WireError) -> Roles {
        let roles = Roles(rawValue: try readUInt8())
        guard roles.canBeGranted else { throw .invalid(field: "roles") }
        return roles
    }

    mutating func readNodeName() throws(WireError) -> String {
        let name = try readString16(field: "node name", limit: TrustLimits.nodeNameBytesMax)
        guard isValidName(name, limit: TrustLimits.nodeNameBytesMax) else {
            throw .invalid(field: "node name")
        }
        return name
    }
}
