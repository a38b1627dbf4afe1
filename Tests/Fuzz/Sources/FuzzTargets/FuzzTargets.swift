// Fuzz targets: what reads bytes from strangers, fed with bytes that a fuzzer makes up.
//
// Each target is a function of bytes that must return: any error is fine, a trap, an overflow or a
// read out of bounds (run under the address sanitizer) is a finding. `run` builds, links and starts
// them; the environment variable SHOAL_FUZZ_TARGET says which one.

/// Bounds on what a target tries with one input, so that each try is quick.
enum FuzzLimits {
    /// Models that would take more memory are not loaded.
    static let modelBytesMax = 16 << 20
    /// Models whose pass would take more memory, likewise.
    static let workspaceBytesMax = 64 << 20
    /// The longest text, in bytes.
    static let textBytesMax = 256
    /// What happens to a node or a link in one input.
    static let stepsMax = 64
    /// The same where each costs a handshake.
    static let handshakeStepsMax = 8
}

/// The targets, by name.
enum FuzzTarget: String {
    case gguf, tokenizers, grammar, schema, jinja, gossip, handshake, frames, trust, inference,
        bodies, flips

    func run(_ bytes: [UInt8]) {
        switch self {
        case .gguf: ModelTarget.run(bytes)
        case .tokenizers: TokenizerTarget.run(bytes)
        case .grammar: GrammarTarget.run(bytes, isSchema: false)
        case .schema: GrammarTarget.run(bytes, isSchema: true)
        case .jinja: TemplateTarget.run(bytes)
        case .gossip: GossipTarget.run(bytes)
        case .handshake: HandshakeTarget.run(bytes)
        case .frames: FrameTarget.run(bytes)
        case .trust: CodecTarget.runTrust(bytes)
        case .inference: CodecTarget.runInference(bytes)
        case .bodies: CodecTarget.runBodies(bytes)
        case .flips: ModelTarget.flips(bytes)
        }
    }
}
