/// The beginning of a prompt whose keys and values an engine keeps: what starts with it, asked by the
/// same caller, is answered sooner.
public struct CachedPrefix: Sendable, Hashable {
    /// Whose requests find it; see ``EngineRequest``.
    public var caller: String
    /// Its token ids: whole pages of ``EngineLimits/pagePositions``.
    public var tokens: [Int32]

    /// A prefix as given.
    public init(caller: String, tokens: [Int32]) {
        self.caller = caller
        self.tokens = tokens
    }
}
