import Gossip
import Mesh
import Trust
import Wire

/// The three gossip services of a link, as both ends speak them.
enum GossipStreams {
    /// How long an exchange may take.
    static let deadline: Duration = .seconds(5)

    // MARK: Packets: each with its 16-bit length, on a stream that lives as long as the link

    static func frame(_ packet: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeBytes16(packet)
        return writer.bytes
    }

    static func readPackets(
        from stream: LinkStream, deliver: @Sendable ([UInt8]) -> Void
    ) async throws {
        var buffer: [UInt8] = []
        while let bytes = try await stream.read() {
            buffer += bytes
            var reader = ByteReader(buffer)
            var used = 0
            while reader.remaining >= 2 {
                guard
                    let packet = try? reader.readBytes16(
                        field: "packet", limit: GossipLimits.packetBytesMax)
                else {
                    if reader.remaining + 2 > GossipLimits.packetBytesMax + 2 {
                        throw LinkError.tooLong(limit: GossipLimits.packetBytesMax)
                    }
                    break
                }
                deliver(Array(packet))
                used = reader.consumed
            }
            buffer.removeFirst(used)
        }
    }

    // MARK: Push–pull: all of one's state, end; all of the other's, end

    static func pushPull(_ state: [UInt8], over link: Link) async throws -> [UInt8] {
        let stream = try await link.open(service: .pushPull)
        return try await within(deadline, of: stream) {
            try await stream.send(state)
            stream.finish()
            return try await stream.readAll(limit: GossipLimits.stateBytesMax)
        }
    }

    // MARK: Certificates: a node and a tag, end; a chain or nothing, end

    static func fetchCertificate(
        of node: NodeID, _ tag: CertificateTag, over link: Link
    ) async throws -> CertificateChain? {
        let stream = try await link.open(service: .certificate)
        let bytes = try await within(deadline, of: stream) {
            try await stream.send(node.bytes + tag.bytes)
            stream.finish()
            return try await stream.readAll(limit: 2 * TrustLimits.certificateBytesMax)
        }
        return bytes.isEmpty ? nil : try CertificateChain(decoding: bytes)
    }

    static func readCertificateRequest(
        from stream: LinkStream
    ) async throws -> (NodeID, CertificateTag) {
        let bytes = try await within(deadline, of: stream) {
            try await stream.readAll(limit: 48)
        }
        var reader = ByteReader(bytes)
        let request = (try NodeID(from: &reader), try CertificateTag(from: &reader))
        try reader.expectEnd()
        return request
    }

    /// Runs `body`; when it takes longer than `limit` the stream is reset, which ends it.
    static func within<R: Sendable>(
        _ limit: Duration, of stream: LinkStream, _ body: @Sendable @escaping () async throws -> R
    ) async throws -> R {
        let guardian = Task {
            try await Task.sleep(for: limit)
            stream.reset(.cancelled)
        }
        defer { guardian.cancel() }
        return try await body()
    }
}
