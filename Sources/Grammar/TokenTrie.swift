/// The tokens of a vocabulary by their bytes, so that tokens that begin alike are tried together.
///
/// Nodes are in preorder, each with the place after its subtree: a walk goes straight through the
/// memory, and past what is not allowed in one step. Built once per vocabulary.
public final class TokenTrie: Sendable {
    struct Node: Sendable {
        /// After the last node below this one.
        var end: Int32
        /// The first token that ends here, in ``tokens``.
        var firstToken: Int32
        /// How many tokens end here: those that spell the same.
        var tokenCount: Int32
        /// Bytes before this one.
        var depth: UInt16
        var byte: UInt8
    }

    /// How many tokens the vocabulary has.
    public let vocabularySize: Int
    let nodes: [Node]
    let tokens: [Int32]
    let endOfGeneration: [Int32]

    /// A trie of a vocabulary.
    ///
    /// - Parameters:
    ///   - tokens: the bytes of each token, by id. A token without bytes is never allowed, nor one
    ///     longer than ``GrammarLimits/tokenBytesMax``.
    ///   - endOfGeneration: the tokens that end an answer: allowed where the text may end.
    ///   - control: other tokens that are not text; never allowed.
    public init(_ tokens: [[UInt8]], endOfGeneration: [Int32] = [], control: [Int32] = []) {
        vocabularySize = tokens.count
        let ending = Set(endOfGeneration.filter { $0 >= 0 && Int($0) < tokens.count })
        self.endOfGeneration = ending.sorted()
        let left = ending.union(control)
        let order = (0..<Int32(tokens.count))
            .filter {
                (1...GrammarLimits.tokenBytesMax).contains(tokens[Int($0)].count)
                    && !left.contains($0)
            }
            .sorted { first, second in
                let (one, other) = (tokens[Int(first)], tokens[Int(second)])
                let shared = one.count < other.count ? one.count : other.count
                for place in 0..<shared where one[place] != other[place] {
                    return one[place] < other[place]
                }
                return one.count == other.count ? first < second : one.count < other.count
            }
        var nodes: [Node] = []
        // The places of the nodes that spell the token before.
        var path: [Int] = []
        var previous: [UInt8] = []
        for (place, id) in order.enumerated() {
            let bytes = tokens[Int(id)]
            var shared = 0
            while shared < min(previous.count, bytes.count), previous[shared] == bytes[shared] {
                shared += 1
            }
            for node in path[shared...] { nodes[node].end = Int32(nodes.count) }
            path.removeLast(path.count - shared)
            for depth in shared..<bytes.count {
                path.append(nodes.count)
                nodes.append(
                    Node(
                        end: 0, firstToken: Int32(place), tokenCount: 0, depth: UInt16(depth),
                        byte: bytes[depth]))
            }
            nodes[path[bytes.count - 1]].tokenCount += 1
            previous = bytes
        }
        for node in path { nodes[node].end = Int32(nodes.count) }
        self.nodes = nodes
        self.tokens = order
    }
}
