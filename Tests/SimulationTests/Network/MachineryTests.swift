import Gossip
import Simulation
import Testing
import Wire

@Suite struct MachineryTests {
    @Test func eventsComeInOrderOfTimeThenOfTheirMaking() {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            var queue = EventQueue<Int>()
            var expected: [(at: Int64, index: Int)] = []
            for index in 0..<200 {
                let at = Int64.random(in: 0..<50, using: &random)
                expected.append((at, index))
                queue.push(index, at: MonotonicInstant(nanoseconds: at))
            }
            expected.sort { ($0.at, $0.index) < ($1.at, $1.index) }
            var got: [Int] = []
            while let (_, event) = queue.pop() { got.append(event) }
            #expect(got == expected.map(\.index), "seed \(seed)")
        }
    }

    @Test func chanceIsTheSameForTheSameSeedOnly() {
        var a = SeededRandom(seed: 7)
        var b = SeededRandom(seed: 7)
        var c = SeededRandom(seed: 8)
        let first = (0..<100).map { _ in a.next() }
        #expect(first == (0..<100).map { _ in b.next() })
        #expect(first != (0..<100).map { _ in c.next() })
        var coin = SeededRandom(seed: 9)
        let heads = (0..<10_000).count { _ in coin.happens(0.25) }
        #expect((2300...2700).contains(heads))
    }

    @Test func theTraceDigestSeesEveryByte() {
        var digests: Set<UInt64> = []
        for length in 0..<20 {
            var digest = TraceDigest()
            digest.add([UInt8](repeating: 0, count: length))
            digests.insert(digest.value)
            for place in 0..<length {
                var bytes = [UInt8](repeating: 0, count: length)
                bytes[place] = 1
                var digest = TraceDigest()
                digest.add(bytes)
                digests.insert(digest.value)
            }
        }
        #expect(digests.count == 20 + 190)
    }
}
