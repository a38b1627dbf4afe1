/// Memory that a ``Sampler`` works in, a few numbers per token of the vocabulary. It carries nothing
/// from one token to the next; one may serve many samplers, one after the other.
public struct SamplerWorkspace: Sendable {
    var maxima: [Float] = []
    var adjusted: [Float] = []
    var counts: [Int32] = []
    var candidates = Candidates()
    var selector = Selector()

    /// A workspace; it grows with the first vocabulary.
    public init() {}
}
