// Trust: who is who in a mesh, and what they may do.
//
// Identities, certificates, revocations, tickets, gate keys, datagram keys and digests live here, as values and
// canonical codecs over `Secrets`. Files are in `Node`, sockets in `MeshTransport`; the time is
// handed in.

internal import Secrets

/// Bounds on what trust accepts and grants.
public enum TrustLimits {
    /// The longest name of a node, in bytes.
    public static let nodeNameBytesMax = 63
    /// The longest name of a mesh, in bytes.
    public static let meshNameBytesMax = 63
    /// The most labels in a certificate or ticket.
    public static let labelsMax = 16
    /// The longest key or value of a label, in bytes.
    public static let labelBytesMax = 63
    /// All labels of a certificate or ticket together, in encoded bytes: two certificates and the
    /// rest of a ``LinkProof`` must fit in one handshake frame of 2 KiB.
    public static let labelsBytesMax = 900
    /// The longest life of a member's certificate.
    public static let memberLifetimeMax: Duration = .seconds(7 * 86_400)
    /// The longest life of an issuer's certificate.
    public static let issuerLifetimeMax: Duration = .seconds(400 * 86_400)
    /// The longest life of a link key.
    public static let linkKeyLifetimeMax: Duration = .seconds(86_400)
    /// The longest life of a ticket.
    public static let ticketLifetimeMax: Duration = .seconds(30 * 86_400)
    /// The most uses of a ticket.
    public static let ticketUsesMax: UInt16 = 1000
    /// How far two machines' clocks may differ before a certificate seems to lie in the future.
    public static let clockSkewMax: Duration = .seconds(300)
    /// The longest encoded certificate, in bytes: what follows from the bounds of its fields.
    public static let certificateBytesMax = 1200
    /// The longest encoded ``LinkProof``, in bytes: what follows from the bounds of its fields.
    public static let linkProofBytesMax = 1600
    /// The longest text of a ticket, in characters: what follows from the bounds of its fields.
    public static let ticketTextMax = 5120
    /// The most revocations that a mesh remembers.
    public static let revocationsMax = 4096
    /// The most of them that one signer can make: a rogue issuer fills no more than its share.
    public static let revocationsPerSignerMax = 1024
    /// The longest reason of a revocation, in bytes.
    public static let revocationReasonBytesMax = 64
    /// The longest encoded ``Revocation``, in bytes: what follows from the bounds of its fields.
    public static let revocationBytesMax = 221
    /// The most issuers whose certificates a mesh remembers.
    public static let issuersMax = 64
    /// How many gate keys a node keeps beside the current one: who was away while no more rolled
    /// finds back.
    public static let gateKeysKept = 64
    /// The longest encoded ``TrustBulletin``, in bytes: what follows from the bounds of its fields.
    public static let bulletinBytesMax = 1 << 20
    /// The longest encoded ``GateKeyRing``, in bytes: what follows from the bounds of its fields.
    public static let gateKeyRingBytesMax = 1 << 17
    /// The longest encoded ``JoinResponse``, in bytes: what follows from the bounds of its fields.
    public static let joinResponseBytesMax = (1 << 20) + 4096
    /// The longest passphrase of an identity, in bytes.
    public static let passphraseBytesMax = SecretLimits.passphraseBytesMax
    /// The most seeds told in one message.
    public static let seedsMax = 16
    /// The longest message of a refused join or renewal, in bytes.
    public static let refusalBytesMax = 512
}
