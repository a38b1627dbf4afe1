// Noise: the Noise protocol framework, revision 34 (https://noiseprotocol.org/noise.html), for the
// XX family with 25519, ChaChaPoly and BLAKE2b.
//
// The handshake state machine and the transport cipher live here, over `Secrets`. No I/O, no
// sessions, no policy: who may connect, how frames are cut and when keys are renewed is in `Mesh`.
// Randomness is handed in as an ephemeral key pair.

/// Bounds of the framework.
public enum NoiseLimits {
    /// The longest Noise message, in bytes (section 3).
    public static let messageBytesMax = 65_535
    /// Bytes that authenticate a ciphertext.
    public static let tagBytes = 16
    /// Bytes of a public key, a secret key, a pre-shared key or a cipher key.
    public static let keyBytes = 32
    /// Bytes of a BLAKE2b hash, and so of the handshake hash.
    public static let hashBytes = 64
}
