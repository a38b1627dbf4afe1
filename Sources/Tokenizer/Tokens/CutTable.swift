/// Tokens that are cut out of a text whole, in a tree of their bytes: the longest that begins at a
/// byte is found in as many steps as it has bytes.
struct CutTable: Sendable {
    /// A byte of a token. The tree is kept in one array, so that many tokens stay small.
    private struct Node: Sendable {
        var byte: UInt8
        /// The token that ends here, or -1.
        var token: Int32 = -1
        /// The first that continues this one, or -1.
        var child: Int32 = -1
        /// The next that continues what this one does, or -1.
        var sibling: Int32 = -1
    }

    private var nodes: [Node] = []
    /// The node of each first byte, or -1: most bytes of a text begin no token.
    private var roots = [Int32](repeating: -1, count: 256)

    /// Whether there is no token.
    var isEmpty: Bool { nodes.isEmpty }
    /// How many bytes the tree holds.
    var nodeCount: Int { nodes.count }

    /// Adds a token; one with the same bytes is replaced.
    mutating func insert(_ token: [UInt8], id: Int32) {
        guard let first = token.first else { return }
        if roots[Int(first)] < 0 { roots[Int(first)] = append(first) }
        var node = Int(roots[Int(first)])
        for byte in token.dropFirst() {
            if let child = self.child(of: node, byte) {
                node = child
            } else {
                let child = append(byte)
                nodes[Int(child)].sibling = nodes[node].child
                nodes[node].child = child
                node = Int(child)
            }
        }
        nodes[node].token = id
    }

    private mutating func append(_ byte: UInt8) -> Int32 {
        nodes.append(Node(byte: byte))
        return Int32(truncatingIfNeeded: nodes.count - 1)
    }

    private func child(of node: Int, _ byte: UInt8) -> Int? {
        var child = nodes[node].child
        while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].sibling }
        return child < 0 ? nil : Int(child)
    }

    /// The longest token that begins at `position` and that `isAllowed` (its id and its end).
    func match(
        _ text: [UInt8], at position: Int, isAllowed: (Int32, Int) -> Bool
    ) -> (id: Int32, end: Int)? {
        var node = Int(roots[Int(text[position])])
        guard node >= 0 else { return nil }
        var end = position + 1
        var found: (id: Int32, end: Int)?
        while true {
            let token = nodes[node].token
            if token >= 0, isAllowed(token, end) { found = (token, end) }
            guard end < text.count, let child = child(of: node, text[end]) else { return found }
            node = child
            end += 1
        }
    }
}
