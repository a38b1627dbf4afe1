public import Sampling

/// Follows a text through a ``Grammar``, byte by byte.
///
/// A copy goes its own way from where the original is, and what one finds out the other need not:
/// copies share memory, so they belong to one thread. Keep one at the beginning of a grammar that is
/// used often, and copy it.
public struct GrammarMatcher {
    private var automaton: Automaton
    private var situation: Int32

    /// A matcher before the first byte.
    public init(_ grammar: Grammar) {
        automaton = Automaton(grammar.program)
        // Not dead: a grammar with which one can't begin was refused.
        situation = automaton.start()
    }

    /// Whether the text may end here.
    public var mayEnd: Bool { automaton.mayEnd[Int(situation)] }

    /// Whether the text must end here: no byte may follow.
    public var mustEnd: Bool {
        mayEnd
            && (0..<automaton.classCount).allSatisfy {
                automaton.step(situation, UInt8($0)) == Automaton.dead
            }
    }

    /// Takes the next bytes of the text, which may end within a character. Throws
    /// ``GrammarError/notAllowed(offset:)`` and stays where it is if they may not follow.
    public mutating func advance(_ bytes: some Sequence<UInt8>) throws(GrammarError) {
        renewIfFull()
        var next = situation
        var offset = 0
        for byte in bytes {
            next = automaton.step(next, automaton.program.classes[Int(byte)])
            guard next != Automaton.dead else { throw .notAllowed(offset: offset) }
            offset += 1
        }
        situation = next
    }

    /// Whether `bytes` may follow.
    public func accepts(_ bytes: some Sequence<UInt8>) -> Bool {
        var copy = self
        do { try copy.advance(bytes) } catch { return false }
        return true
    }

    /// The tokens that may follow: those whose bytes may, and those that end an answer where the
    /// text may end.
    public mutating func allowed(_ trie: TokenTrie) -> TokenMask {
        renewIfFull()
        if let known = automaton.masks.mask(situation, of: trie) { return known }
        var mask = walk(trie, isComplete: true)
        if mask == nil {
            (automaton, situation) = automaton.renewed(at: situation)
            mask = walk(trie, isComplete: false)
        }
        var result = mask ?? TokenMask(count: trie.vocabularySize)
        if mayEnd { for id in trie.endOfGeneration { result.insert(id) } }
        automaton.masks.remember(result, situation)
        return result
    }

    private mutating func renewIfFull() {
        guard automaton.isFilled(to: 0.5) else { return }
        (automaton, situation) = automaton.renewed(at: situation)
    }

    /// The tokens whose bytes may follow. Where the memory becomes full: nil, or without
    /// `isComplete` those found by then, which from an empty memory are always the same.
    private func walk(_ trie: TokenTrie, isComplete: Bool) -> TokenMask? {
        var words = [UInt64](repeating: 0, count: (trie.vocabularySize + 63) / 64)
        // The situation after the bytes above each depth.
        var path = [Int32](repeating: situation, count: GrammarLimits.tokenBytesMax + 1)
        var place = 0
        while place < trie.nodes.count {
            // As far as is known.
            place = Self.walk(
                trie, from: place, table: automaton.table, classes: automaton.program.classes,
                classCount: automaton.classCount, path: &path, words: &words)
            guard place < trie.nodes.count else { break }
            if automaton.isFilled(to: 1) {
                guard isComplete else { break }
                return nil
            }
            let node = trie.nodes[place]
            _ = automaton.step(
                path[Int(node.depth)], automaton.program.classes[Int(node.byte)])
        }
        return TokenMask(count: trie.vocabularySize, words: words)
    }

    /// Walks on from `place` until a step is not in `table`, and gives the place of that step.
    private static func walk(
        _ trie: TokenTrie, from start: Int, table: [Int32], classes: [UInt8], classCount: Int,
        path: inout [Int32], words: inout [UInt64]
    ) -> Int {
        trie.nodes.withUnsafeBufferPointer { nodes in
            table.withUnsafeBufferPointer { table in
                classes.withUnsafeBufferPointer { classes in
                    path.withUnsafeMutableBufferPointer { path in
                        words.withUnsafeMutableBufferPointer { words in
                            var place = start
                            while place < nodes.count {
                                let node = nodes[place]
                                let row = Int(path[Int(node.depth)]) * classCount
                                let next = table[row + Int(classes[Int(node.byte)])]
                                if next < 0 {
                                    if next == Automaton.unknown { break }
                                    place = Int(node.end)
                                    continue
                                }
                                path[Int(node.depth) + 1] = next
                                for token in 0..<Int(node.tokenCount) {
                                    let id = trie.tokens[Int(node.firstToken) + token]
                                    words[Int(id) / 64] |= 1 << UInt64(id % 64)
                                }
                                place += 1
                            }
                            return place
                        }
                    }
                }
            }
        }
    }
}
