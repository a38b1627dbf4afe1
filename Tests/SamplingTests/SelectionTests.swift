import Testing

@testable import Sampling

@Suite struct SelectionTests {
    @Test("The highest logits are found without a sort, ties to the lower id")
    func theHighestAreThoseOfASort() throws {
        var random = TestRandom(2)
        for round in 0..<120 {
            let count = 1 + random.next(below: 700)
            // Few values, so that there are many ties; some impossible; signed zeros.
            let logits = (0..<count).map { _ -> Float in
                switch round % 3 {
                case 0: Float(random.next(below: 5)) - 2
                case 1: random.next(below: 4) == 0 ? -.infinity : random.next(-9...9)
                default: random.next(below: 2) == 0 ? -0.0 : 0
                }
            }
            guard logits.contains(where: { $0 > -.infinity }) else { continue }
            let wanted = 1 + random.next(below: count + 3)
            let sorted = logits.indices.filter { logits[$0] > -.infinity }
                .sorted { logits[$0] > logits[$1] || (logits[$0] == logits[$1] && $0 < $1) }
            var maxima: [Float] = []
            var selector = Selector()
            var ids: [Int32] = []
            try logits.withUnsafeBufferPointer { logits in
                let scan = try LogitScan(logits, maxima: &maxima)
                #expect(Int(scan.best) == sorted[0] && scan.peak == logits[sorted[0]])
                LogitScan.highest(
                    wanted, logits, maxima: maxima, selector: &selector, into: &ids)
            }
            #expect(ids == sorted.prefix(wanted).sorted().map(Int32.init))
        }
    }

    @Test("A selection by weight takes the lowest keys until the weight is reached")
    func selectionByWeightIsThatOfASort() {
        var random = TestRandom(3)
        var selector = Selector()
        for _ in 0..<120 {
            let count = 1 + random.next(below: 400)
            let keys = (0..<count).map { _ in
                UInt32(truncatingIfNeeded: random.next()) >> UInt32(random.next(below: 31))
            }
            let weights = (0..<count).map { _ in UInt64(random.next(below: 20)) }
            let total = weights.reduce(0, +)
            let wanted = 1 + UInt64(random.next(below: Int(total) + 2))
            selector.load(count) { keys[$0] }
            guard let border = selector.border(wanted: wanted, weight: { weights[$0] }) else {
                #expect(total < wanted)
                continue
            }
            var kept: [Int] = []
            selector.kept(border, weight: { weights[$0] }) { kept.append($0) }
            var expected: [Int] = []
            var sum: UInt64 = 0
            for place in keys.indices.sorted(by: { (keys[$0], $0) < (keys[$1], $1) })
            where sum < wanted {
                sum += weights[place]
                expected.append(place)
            }
            // Elements without weight change nothing, so they may be on either side.
            #expect(
                kept.filter { weights[$0] > 0 } == expected.sorted().filter { weights[$0] > 0 })
        }
    }

    @Test("Logits of any size give the same answer as each lane alone")
    func lanesDoNotMix() {
        var random = TestRandom(4)
        for count in [1, 15, 16, 17, 40] {
            let logits = (0..<count).map { _ in random.next(-90...0) }
            var weights = logits
            weights.withUnsafeMutableBufferPointer {
                Weights.fromLogits($0, peak: 0, temperature: 0.9)
            }
            #expect(weights == logits.map { exponential($0 / 0.9) })
        }
    }

    @Test("A mask holds what is put in, and ignores ids of other vocabularies")
    func masksHoldIds() {
        var mask = TokenMask(count: 130)
        for id: Int32 in [0, 63, 64, 129, 130, -1, 5000] { mask.insert(id) }
        #expect(mask.ids == [0, 63, 64, 129])
        #expect(mask.population == 4 && !mask.isEmpty)
        mask.remove(64)
        #expect(!mask.contains(64) && mask.contains(63) && !mask.contains(-1))
        #expect(TokenMask(count: 70, all: true).population == 70)
        var union = TokenMask(count: 64)
        union.formUnion(mask)
        #expect(union.ids == [0, 63])
        #expect(TokenMask(count: -3).isEmpty)
    }
}
