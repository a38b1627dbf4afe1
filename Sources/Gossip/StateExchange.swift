package import Wire

// Push–pull in three messages, so that two members who mostly agree send each other little:
//
//   request   the asker's summary: a key and a fingerprint of every member it knows
//   answer    what the asker lacks, and the keys of what the answerer wants of it
//   packets   over the link, with what was wanted
//
// A fingerprint tells whether two members hold the same of a third; nothing is believed for it. Who
// makes two records collide hides only claims about itself, which gossip carries too.

/// What one member knows, by key and fingerprint.
package struct StateSummary: Sendable {
    package struct Entry: Sendable, Equatable {
        package var key: UInt64
        package var fingerprint: UInt64

        package init(key: UInt64, fingerprint: UInt64) {
            self.key = key
            self.fingerprint = fingerprint
        }
    }

    /// In ascending order of keys, each once.
    package var entries: [Entry]

    package func encoded(version: UInt8 = GossipVersion.supported.upperBound) -> [UInt8] {
        var writer = ByteWriter(capacity: 5 + 16 * entries.count)
        writer.writeInteger(version)
        writer.writeInteger(UInt32(entries.count))
        for entry in entries {
            writer.writeInteger(entry.key)
            writer.writeInteger(entry.fingerprint)
        }
        return writer.bytes
    }

    package init(entries: [Entry]) { self.entries = entries }

    package init(
        decoding bytes: [UInt8], versions: ClosedRange<UInt8> = GossipVersion.supported
    ) throws(WireError) {
        var reader = ByteReader(bytes)
        let count = try StateExchange.readHeader(
            from: &reader, bytes: bytes.count, versions: versions, field: "members",
            limit: GossipLimits.membersMax + 1)
        guard reader.remaining == 16 * count else { throw .truncated }
        entries = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let entry = Entry(
                key: try reader.readInteger(), fingerprint: try reader.readInteger())
            if let last = entries.last, last.key >= entry.key {
                throw .nonCanonical(field: "members")
            }
            entries.append(entry)
        }
    }
}

/// What an asker lacks, and what is wanted of it.
package struct StateAnswer: Sendable {
    package var claims: [Claim]
    package var wanted: [UInt64]
    package var unknownClaims = 0

    package static func encode(
        claims: [[UInt8]], wanted: [UInt64],
        version: UInt8 = GossipVersion.supported.upperBound
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: 16 + 8 * wanted.count + 200 * claims.count)
        writer.writeInteger(version)
        writer.writeInteger(UInt32(claims.count))
        for claim in claims { writer.writeBytes(claim) }
        writer.writeInteger(UInt32(wanted.count))
        for key in wanted { writer.writeInteger(key) }
        return writer.bytes
    }

    package init(
        decoding bytes: [UInt8], versions: ClosedRange<UInt8> = GossipVersion.supported
    ) throws(WireError) {
        var reader = ByteReader(bytes)
        let count = try StateExchange.readHeader(
            from: &reader, bytes: bytes.count, versions: versions, field: "claims",
            limit: GossipLimits.stateClaimsMax)
        claims = []
        for _ in 0..<count {
            if let claim = try Claim.read(from: &reader) {
                claims.append(claim)
            } else {
                unknownClaims += 1
            }
        }
        let keys = Int(try reader.readInteger(as: UInt32.self))
        guard keys <= GossipLimits.membersMax + 1 else {
            throw .tooLarge(field: "members", value: keys, limit: GossipLimits.membersMax + 1)
        }
        guard reader.remaining == 8 * keys else { throw .truncated }
        wanted = []
        wanted.reserveCapacity(keys)
        for _ in 0..<keys { wanted.append(try reader.readInteger()) }
    }
}

package enum StateExchange {
    fileprivate static func readHeader(
        from reader: inout ByteReader, bytes: Int, versions: ClosedRange<UInt8>, field: String,
        limit: Int
    ) throws(WireError) -> Int {
        guard bytes <= GossipLimits.stateBytesMax else {
            throw .tooLarge(field: "state", value: bytes, limit: GossipLimits.stateBytesMax)
        }
        let version = try reader.readUInt8()
        guard versions.contains(version) else {
            throw .unsupportedVersion(field: "gossip version", value: Int(version))
        }
        let count = Int(try reader.readInteger(as: UInt32.self))
        guard count <= limit else { throw .tooLarge(field: field, value: count, limit: limit) }
        return count
    }

    /// Stands for a member in summaries.
    package static func key(of node: NodeID) -> UInt64 { node.folded }

    /// SplitMix64's finaliser.
    @inlinable package static func mixed(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
