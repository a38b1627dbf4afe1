import Gossip
import Mesh
import Trust
import Wire

/// The exchanges of membership over links, as the asking end speaks them.
enum GossipStreams {
    /// Push–pull: all of one's state, end; all of the other's, end.
    static func pushPull(_ state: [UInt8], over link: Link) async throws -> [UInt8] {
        let stream = try await link.open(service: .pushPull)
        try await stream.send(state)
        stream.finish()
        return try await stream.readAll(limit: GossipLimits.stateBytesMax)
    }

    /// A certificate: the beginning of its digest, end; the chain or nothing, end.
    static func fetchCertificate(
        _ tag: CertificateTag, over link: Link
    ) async throws -> CertificateChain? {
        let stream = try await link.open(service: .certificate, first: tag.bytes)
        stream.finish()
        let bytes = try await stream.readAll(limit: MeshTransportLimits.chainBytesMax)
        return bytes.isEmpty ? nil : try CertificateChain(decoding: bytes)
    }
}
