import Testing
import Wire

@testable import Mesh

/// What the door remembers of those that are gone: it forgets before it grows.
@Suite struct AdmissionTablesTests {
    @Test func aTableOfTwoGenerationsIsBoundedAndForgetsTheOldestFirst() {
        var table = TwoGenerations<Int, Int>(perGeneration: 100)
        for key in 0..<1000 {
            table.set(key, for: key)
            #expect(table.count <= 200)
            // What was set within one generation is never forgotten.
            for recent in max(0, key - 99)...key { #expect(table[recent] == recent) }
        }
        #expect(table[0] == nil)
        // What is used stays.
        for key in 1000..<2000 {
            table.set(7, for: 7)
            table.set(key, for: key)
        }
        #expect(table[7] == 7)
    }

    @Test func theReplayCacheIsBounded() {
        var cache = ReplayCache()
        var random = SeededGenerator(seed: 3)
        let first = random.bytes(48)
        cache.insert(first, at: start)
        #expect(cache.contains(first))
        for _ in 0..<3 * AdmissionLimits.replaysPerGeneration {
            cache.insert(random.bytes(8), at: start)
        }
        #expect(!cache.contains(first))
        #expect(cache.count <= 2 * AdmissionLimits.replaysPerGeneration)
    }

    @Test func aRateIsWhatItSaysForEachCallerAndTheTableIsBounded() {
        var table = RateTable<Int>(perSecond: 10, burst: 5)
        var taken = 0
        for millisecond in 0..<2000 where table.take(by: 1, at: start + .milliseconds(millisecond))
        {
            taken += 1
        }
        #expect(taken == 5 + 19)
        // Another has its own.
        let (whole, tooMany) = (table.take(5, by: 2, at: start), table.take(6, by: 3, at: start))
        #expect(whole && !tooMany)
        #expect(!table.allows(by: 2, at: start))
        #expect(table.allows(5, by: 3, at: start))
        // After a pause no more is saved up than the burst.
        #expect(!table.allows(6, by: 1, at: start + .seconds(1000)))
        #expect(table.allows(5, by: 1, at: start + .seconds(1000)))
    }
}
