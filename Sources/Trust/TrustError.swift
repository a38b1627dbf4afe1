public import Wire

/// Why something that claims trust does not get it.
public enum TrustError: Error, Equatable, Sendable {
    /// The bytes are not a value of this kind.
    case malformed(WireError)
    /// A signature does not verify.
    case badSignature(of: String)
    /// It belongs to another mesh.
    case otherMesh
    /// Its time is over.
    case expired(what: String, at: WallTime)
    /// Its time has not come, by more than the clocks may differ.
    case notYetValid(what: String, from: WallTime)
    /// It lives longer than its kind may, or ends before it begins.
    case lifetimeTooLong(what: String)
    /// A member's certificate was used as an issuer's, or the other way round.
    case wrongKind
    /// Its issuer is not the one whose certificate came with it.
    case wrongIssuer
    /// Its holder lacks a role that this needs.
    case missingRole(String)
    /// The link key is not the one its owner signed.
    case linkKeyMismatch
    /// A key is degenerate: it has low order.
    case degenerateKey
    /// A name or label does not follow the rules.
    case badName(String)
    /// Text that is not a ticket.
    case notATicket
    /// A ticket with wrong characters: its checksum does not match.
    case damagedTicket
    /// A ciphertext does not authenticate.
    case notAuthentic
    /// The mesh revoked it, and why.
    case revoked(Revocation.Target, reason: String)
    /// There are more of them than fit: nothing was changed.
    case tooMany(String, limit: Int)
    /// A sealed identity does not open: the passphrase is another, or the file was changed.
    case wrongPassphrase
    /// A passphrase is empty or too long.
    case badPassphrase
    /// Hashing a passphrase takes more memory than the machine gave.
    case noMemoryForPassphrase
}

extension TrustError: CustomStringConvertible {
    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .malformed(let error): "\(error)"
        case .badSignature(let what): "the signature of the \(what) does not verify"
        case .otherMesh: "it belongs to another mesh"
        case .expired(let what, _): "the \(what) has expired"
        case .notYetValid(let what, _):
            "the \(what) is not valid yet: compare the clocks of the two machines"
        case .lifetimeTooLong("link key"):
            "the link key is of a time that has not come: compare the clocks of the two machines"
        case .lifetimeTooLong(let what): "the \(what) is valid for a time that it may not be"
        case .wrongKind: "the certificate is of the wrong kind"
        case .wrongIssuer: "the certificate was not issued by the issuer that came with it"
        case .missingRole(let role): "the certificate lacks the role '\(role)'"
        case .linkKeyMismatch: "the link's key is not the one that the node signed"
        case .degenerateKey: "a key is degenerate"
        case .badName(let why): why
        case .notATicket: "this is not a ticket: a ticket begins with '\(Ticket.textPrefix)'"
        case .damagedTicket: "the ticket is damaged: copy it whole, without changes"
        case .notAuthentic: "the bytes do not authenticate"
        case .revoked(let target, let reason):
            "\(target) was revoked" + (reason.isEmpty ? "" : ": \(reason)")
        case .tooMany(let what, let limit): "the \(what) are more than the limit of \(limit)"
        case .wrongPassphrase:
            "the passphrase does not open the identity: it is another, or the file was changed"
        case .badPassphrase:
            "a passphrase has 1 to \(TrustLimits.passphraseBytesMax) bytes"
        case .noMemoryForPassphrase:
            "the machine has too little free memory to check the passphrase"
        }
    }
}
