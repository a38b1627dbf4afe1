internal import Secrets
public import Wire

/// The first record of a mesh: its name and the key of its authority. The mesh's id is this
/// record's digest, so that neither can change without the other meshes' members noticing.
public struct Genesis: Sendable, Equatable, WireCodable {
    /// The mesh's name, for people.
    public let name: String
    /// The authority's public key.
    public let authority: NodeID
    /// When the mesh was made.
    public let created: WallTime

    /// A record, or an error when the name is not 1 to 63 letters, digits, `-`, `.` or `_`.
    public init(name: String, authority: NodeID, created: WallTime) throws(TrustError) {
        guard isValidName(name, limit: TrustLimits.meshNameBytesMax) else {
            throw .badName(
                "'\(name)' cannot name a mesh: use 1 to \(TrustLimits.meshNameBytesMax) letters, "
                    + "digits, '-', '.' or '_'")
        }
        self.name = name
        self.authority = authority
        self.created = created
    }

    /// The mesh's id.
    public var id: MeshID {
        guard let id = MeshID(blake2b(domain: "shoal mesh v1", encoded)) else {
            preconditionFailure("a digest of 32 bytes is an identifier")
        }
        return id
    }

    /// The mesh's id as people compare it: its first 64 bits in four groups.
    public var fingerprint: String {
        let digits = Array(id.hex.prefix(16))
        return stride(from: 0, to: 16, by: 4).map { String(digits[$0..<$0 + 4]) }
            .joined(separator: "-")
    }

    /// Version 1, the name with its 16-bit length, the authority, the time.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(UInt8(1))
        writer.writeString16(name)
        authority.encode(to: &writer)
        created.encode(to: &writer)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "mesh record version", value: Int(version))
        }
        name = try reader.readString16(field: "mesh name", limit: TrustLimits.meshNameBytesMax)
        guard isValidName(name, limit: TrustLimits.meshNameBytesMax) else {
            throw .invalid(field: "mesh name")
        }
        authority = try NodeID(from: &reader)
        created = try WallTime(from: &reader)
    }
}

/// Names of meshes, nodes and labels: letters, digits, `-`, `.` and `_`, so that they can stand in
/// commands, logs and policies without quoting.
func isValidName(_ name: String, limit: Int) -> Bool {
    (1...limit).contains(name.utf8.count)
        && name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
}
