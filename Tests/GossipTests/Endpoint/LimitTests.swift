import Testing
import Wire

@testable import Gossip

@Suite struct ReplayWindowTests {
    @Test func agreesWithASetOfNumbersSeen() {
        for seed in 0..<200 as Range<UInt64> {
            var random = TestRandom(seed: seed)
            var window = ReplayWindow()
            var seen: Set<UInt64> = []
            var newest: UInt64 = 0
            for _ in 0..<400 {
                let around = newest > 250 ? newest - 250 : 1
                let number =
                    Int.random(in: 0..<20, using: &random) == 0
                    ? newest + UInt64.random(in: 1...700, using: &random)
                    : UInt64.random(in: around...newest + 3, using: &random)
                let isTooOld = newest > number && newest - number >= UInt64(ReplayWindow.width)
                let isNew = !isTooOld && !seen.contains(number)
                #expect(window.mark(number) == isNew, "seed \(seed), number \(number)")
                if isNew { seen.insert(number) }
                newest = max(newest, isNew ? number : newest)
            }
        }
    }

    @Test func zeroIsNoNumberAndTheGreatestIs() {
        var window = ReplayWindow()
        let marked = [0, .max, .max, .max - 1, 1].map { window.mark($0) }
        #expect(marked == [false, true, false, true, false])
    }
}

@Suite struct SourceLimitTests {
    private let now = MonotonicInstant.origin + .seconds(5)

    private func limits() -> SourceLimits {
        var limits = SourceLimits()
        var random = TestRandom(seed: 1)
        limits.seed(using: &random)
        return limits
    }

    private func v4(_ number: Int) throws -> NetworkAddress {
        try #require(
            NetworkAddress(
                host: .v4([
                    10, UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255),
                ]),
                port: 7433))
    }

    private func v6(_ bytes: [UInt8], port: UInt16 = 7433) throws -> NetworkAddress {
        try #require(NetworkAddress(host: .v6(bytes), port: port))
    }

    @Test func aFloodFromSomeSourcesLeavesOthersTheirShare() throws {
        var limits = limits()
        for number in 0..<40 {
            let source = SourceLimits.prefix(of: try v4(number))
            for _ in 0..<500 { limits.charge(source, at: now) }
            #expect(!limits.hasRoom(source, at: now))
        }
        var refused = 0
        for number in 1000..<2000
        where !limits.hasRoom(SourceLimits.prefix(of: try v4(number)), at: now) {
            refused += 1
        }
        #expect(refused < 60, "\(refused) of 1000")
        #expect(limits.count == DatagramLimits.sourceBuckets)
        let later = now + .seconds(5)
        #expect(limits.hasRoom(SourceLimits.prefix(of: try v4(0)), at: later))
    }

    @Test func aHostIsOneSourceHoweverManyAddressesItHas() throws {
        let first = try v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 1] + [UInt8](repeating: 1, count: 8))
        let second = try v6(
            [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1] + [UInt8](repeating: 2, count: 8), port: 9)
        let other = try v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 2] + [UInt8](repeating: 1, count: 8))
        #expect(SourceLimits.prefix(of: first) == SourceLimits.prefix(of: second))
        #expect(SourceLimits.prefix(of: first) != SourceLimits.prefix(of: other))
        let mapped = try v6([UInt8](repeating: 0, count: 10) + [255, 255, 10, 0, 0, 7])
        #expect(SourceLimits.prefix(of: mapped) == SourceLimits.prefix(of: try v4(7)))
        #expect(SourceLimits.prefix(of: try v4(7)) != SourceLimits.prefix(of: try v4(8)))
    }

    @Test func aBucketHoldsItsBurstAndFillsAtItsRate() {
        let rate = RateBucket.Rate(perSecond: 10, burst: 5)
        var bucket = RateBucket()
        func taken(_ count: Int, after wait: Duration) -> Int {
            (0..<count).filter { _ in bucket.take(rate, at: now + wait) }.count
        }
        #expect(taken(20, after: .zero) == 5)
        #expect(taken(1, after: .milliseconds(99)) == 0)
        #expect(taken(1, after: .milliseconds(101)) == 1)
        #expect(taken(20, after: .seconds(9)) == 5)
    }
}
