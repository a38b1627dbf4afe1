// Wire: what every protocol of the mesh is written in.
//
// Here live the identifiers, times and addresses that cross module and process borders, and the
// bounded reader and writer that every codec uses. All integers are big-endian; every
// variable-length field is preceded by its length; a decoder never trusts that length.
//
// Nothing here knows a particular message: gossip claims are in `Gossip`, certificates and
// tickets in `Trust`, link frames and inference messages in `Mesh`. No Foundation, no clock,
// no random source, no I/O.

/// Bounds on what any codec accepts from outside.
public enum WireLimits {
    /// The longest host name in a ``NetworkAddress``, in bytes (RFC 1035, section 2.3.4).
    public static let hostNameBytesMax = 253
    /// The most candidate addresses in any list on the wire.
    public static let addressesMax = 8
}
