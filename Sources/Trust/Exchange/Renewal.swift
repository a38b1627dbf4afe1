public import Wire

/// A member asks an issuer for its next certificate. Who asks is the peer of the link, which proved
/// itself; what it gets says what the certificate says that it has.
public struct RenewalRequest: Sendable, Equatable, WireCodable {
    /// A request.
    public init() {}

    /// Version 1.
    public func encode(to writer: inout ByteWriter) { writer.writeInteger(UInt8(1)) }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "renewal version", value: Int(version))
        }
    }
}

/// The answer to a ``RenewalRequest``.
public enum RenewalResponse: Sendable, Equatable, WireCodable {
    /// Why there is no certificate.
    public enum RefusalCode: UInt8, Sendable, CaseIterable {
        /// Who was asked is no issuer (any more).
        case notAnIssuer = 1
        /// The member is revoked, its certificate or who issued it.
        case revoked = 2
        /// The issuer could not make one.
        case cannotIssue = 3
    }

    /// The next certificate.
    case renewed(CertificateChain)
    /// None: why, and what to do.
    case refused(RefusalCode, message: String)

    /// 0 and the chain, or the refusal's code and its message with a 16-bit length.
    public func encode(to writer: inout ByteWriter) {
        switch self {
        case .renewed(let chain):
            writer.writeInteger(UInt8(0))
            chain.encode(to: &writer)
        case .refused(let code, let message):
            writer.writeRefusal(code, message)
        }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let tag = try reader.readUInt8()
        guard tag == 0 else {
            let (code, message) = try reader.readRefusal(RefusalCode.self, tag: tag)
            self = .refused(code, message: message)
            return
        }
        self = .renewed(try CertificateChain(from: &reader))
    }
}

extension CertificateChain {
    /// When the member asks for the next certificate: at half of this one's life.
    public var renewalTime: WallTime {
        let body = member.body
        return WallTime(seconds: body.notBefore.seconds / 2 + body.notAfter.seconds / 2)
    }
}
