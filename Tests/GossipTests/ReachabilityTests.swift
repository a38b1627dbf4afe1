import Testing
import Wire

@testable import Gossip

/// One node in a mesh, and what others' probes and its own show it: each second one member, drawn,
/// pings it, and it pings one. What fails by datagram is tried again by link or relay, which work.
private struct Scene {
    var monitor: ReachabilityMonitor
    var members: Int
    var random: TestRandom
    var seconds = 0
    var loss = 0.0
    /// Datagrams of strangers, who were not sent anything lately, are kept out.
    var isTranslated = false
    /// Members between whom and this node no datagram passes.
    var blocked: Set<UInt64> = []
    /// The members that say datagrams don't reach them, so that theirs is no evidence.
    var indirect: Set<UInt64> = []
    /// The second in which each member was sent to last.
    private var sentAt: [UInt64: Int] = [:]
    var classes: [(second: Int, class: Reachability)] = []

    init(
        members: Int, configured: Reachability = .direct, hasSocket: Bool = true, seed: UInt64 = 1
    ) {
        monitor = ReachabilityMonitor(configured: configured, hasSocket: hasSocket)
        self.members = members
        random = TestRandom(seed: seed)
    }

    var others: ClosedRange<UInt64> { 2...UInt64(members) }
    var now: MonotonicInstant { .origin + .seconds(seconds) }

    private mutating func happens(_ probability: Double) -> Bool {
        Double(random.next() >> 11) * 0x1p-53 < probability
    }

    private mutating func sent(to number: UInt64) {
        monitor.note(.datagramSent(to: node(number)), at: now)
        sentAt[number] = seconds
    }

    /// Whether a datagram from the member arrives.
    private mutating func arrives(from number: UInt64) -> Bool {
        if blocked.contains(number) || happens(loss) { return false }
        guard isTranslated else { return true }
        return sentAt[number].map { seconds - $0 <= 30 } ?? false
    }

    private mutating func missed(_ number: UInt64) {
        if !indirect.contains(number) { monitor.note(.datagramMissed(node(number)), at: now) }
    }

    private mutating func isPinged(by number: UInt64) {
        guard arrives(from: number) else {
            missed(number)
            return
        }
        monitor.note(.datagramArrived(from: node(number)), at: now)
        sent(to: number)
        if happens(loss) { missed(number) }  // the answer
    }

    private mutating func pings(_ number: UInt64) {
        sent(to: number)
        guard !blocked.contains(number), !happens(loss), arrives(from: number) else {
            missed(number)
            return
        }
        monitor.note(.datagramArrived(from: node(number)), at: now)
    }

    mutating func run(_ duration: Int) {
        for _ in 0..<duration {
            seconds += 1
            if monitor.current == .direct {
                isPinged(by: UInt64.random(in: others, using: &random))
                pings(UInt64.random(in: others, using: &random))
            } else if happens(1.0 / 8) {
                // Nobody expects datagrams to arrive; one is tried now and then.
                let number = UInt64.random(in: others, using: &random)
                if !indirect.contains(number), arrives(from: number) {
                    monitor.note(.datagramArrived(from: node(number)), at: now)
                    sent(to: number)
                }
            }
            classify()
        }
    }

    mutating func classify() {
        let before = monitor.current
        let found = monitor.classify(
            at: now, members: members, directOthers: members - 1 - indirect.count)
        if found != before { classes.append((seconds, found)) }
    }

    mutating func called(by numbers: [UInt64]) {
        for number in numbers { monitor.note(.inboundLink(from: node(number)), at: now) }
    }
}

@Suite struct ReachabilityTests {
    static let sizes = [2, 3, 4, 5, 8, 16, 128]

    @Test(arguments: sizes)
    func `a node that no datagram reaches finds that out within a minute`(members: Int) throws {
        for seed in 1...5 as ClosedRange<UInt64> {
            var scene = Scene(members: members, seed: seed)
            scene.run(120)
            #expect(scene.monitor.current == .direct)
            scene.blocked = Set(scene.others)
            // In a large mesh those who saw it reached just before must see it fail first.
            scene.run(members > 16 ? 90 : 60)
            #expect(scene.monitor.current == .outboundOnly, "\(members) members, seed \(seed)")
            #expect(scene.classes.count == 1)
        }
    }

    @Test(arguments: sizes)
    func `when datagrams pass again it finds that out soon`(members: Int) {
        for seed in 1...5 as ClosedRange<UInt64> {
            var scene = Scene(members: members, seed: seed)
            scene.blocked = Set(scene.others)
            scene.run(120)
            #expect(scene.monitor.current != .direct)
            scene.blocked = []
            scene.run(90)
            #expect(scene.monitor.current == .direct, "\(members) members, seed \(seed)")
        }
    }

    @Test(arguments: sizes, [0.0, 0.25, 0.5])
    func `lost datagrams alone leave it direct`(members: Int, loss: Double) {
        for seed in 1...2 as ClosedRange<UInt64> {
            var scene = Scene(members: members, seed: seed)
            scene.loss = loss
            scene.run(1800)
            #expect(scene.classes.isEmpty, "\(members) members, loss \(loss), seed \(seed)")
        }
    }

    @Test(arguments: [2, 3, 4, 8])
    func `nor does it fall for a loss of six in ten`(members: Int) {
        for seed in 1...5 as ClosedRange<UInt64> {
            var scene = Scene(members: members, seed: seed)
            scene.loss = 0.6
            scene.run(3600)
            #expect(scene.classes.isEmpty, "\(members) members, seed \(seed)")
        }
    }

    @Test(arguments: [3, 4, 5, 8, 16])
    func `one member alone, whatever it says, demotes nobody`(members: Int) {
        var scene = Scene(members: members)
        for _ in 0..<1000 {
            scene.run(1)
            for _ in 0..<50 { scene.monitor.note(.datagramMissed(node(2)), at: scene.now) }
            scene.classify()
        }
        #expect(scene.classes.isEmpty)
        // Nor in a mesh that is silent otherwise.
        scene = Scene(members: members)
        for _ in 0..<1000 {
            scene.seconds += 1
            for _ in 0..<50 { scene.monitor.note(.datagramMissed(node(2)), at: scene.now) }
            scene.classify()
        }
        #expect(scene.classes.isEmpty)
    }

    @Test(arguments: [4, 5, 8, 16, 64])
    func `a member that is cut off itself demotes nobody`(members: Int) {
        var scene = Scene(members: members)
        scene.blocked = [2]
        scene.run(3600)
        #expect(scene.classes.isEmpty)
    }

    @Test func `in a mesh of three one path that fails is not this node's fault`() {
        var scene = Scene(members: 3)
        scene.blocked = [2]
        scene.run(3600)
        #expect(scene.classes.isEmpty)
    }

    @Test func `behind a translator a large mesh finds out, since datagrams come only when called`()
    {
        for seed in 1...3 as ClosedRange<UInt64> {
            var scene = Scene(members: 200, seed: seed)
            scene.isTranslated = true
            scene.run(1200)
            #expect(scene.monitor.current == .outboundOnly, "seed \(seed)")
            #expect(scene.classes.count == 1)
        }
    }

    @Test func `behind a translator a small mesh goes on, since it keeps the way open`() {
        var scene = Scene(members: 5)
        scene.isTranslated = true
        scene.run(3600)
        #expect(scene.classes.isEmpty)
    }

    @Test func `a node that gave up datagrams is dialled if different members have dialled it`() {
        var scene = Scene(members: 8)
        scene.called(by: [2, 2, 2])
        scene.blocked = Set(scene.others)
        scene.run(60)
        #expect(scene.monitor.current == .outboundOnly)
        scene.called(by: [3])
        scene.classify()
        #expect(scene.monitor.current == .streamsOnly)
        var pair = Scene(members: 2)
        pair.called(by: [2])
        pair.blocked = [2]
        pair.run(60)
        #expect(pair.monitor.current == .streamsOnly)
    }

    @Test func `answers prove nothing, uncalled datagrams of two members do`() {
        var scene = Scene(members: 8)
        scene.blocked = Set(scene.others)
        scene.run(120)
        let monitor = scene.monitor
        func found(_ feed: (inout ReachabilityMonitor, MonotonicInstant) -> Void) -> Reachability {
            var monitor = monitor
            var now = scene.now
            for _ in 0..<200 {
                now = now + .seconds(1)
                feed(&monitor, now)
                _ = monitor.classify(at: now, members: 8, directOthers: 7)
            }
            return monitor.current
        }
        let answered = found { monitor, now in
            for number in 2...8 as ClosedRange<UInt64> {
                monitor.note(.datagramSent(to: node(number)), at: now)
                monitor.note(.datagramArrived(from: node(number)), at: now)
            }
        }
        #expect(answered == .outboundOnly)
        let one = found { monitor, now in monitor.note(.datagramArrived(from: node(2)), at: now) }
        #expect(one == .outboundOnly)
        let two = found { monitor, now in
            monitor.note(.datagramArrived(from: node(2)), at: now)
            monitor.note(.datagramArrived(from: node(3)), at: now)
        }
        #expect(two == .direct)
    }

    @Test func `where only one other could prove it, one is enough`() {
        var scene = Scene(members: 4)
        scene.blocked = Set(scene.others)
        scene.run(120)
        #expect(scene.monitor.current != .direct)
        scene.indirect = [3, 4]
        scene.blocked = []
        scene.run(120)
        #expect(scene.monitor.current == .direct)
    }

    @Test func `back and forth takes longer each time`() {
        var scene = Scene(members: 8)
        scene.run(60)
        for round in 0..<120 {
            scene.blocked = round.isMultiple(of: 2) ? Set(scene.others) : []
            scene.run(120)
        }
        // Four hours of two minutes each way.
        #expect((4...20).contains(scene.classes.count), "\(scene.classes)")
        let spans = zip(scene.classes, scene.classes.dropFirst())
            .filter { $1.class == .direct }.map { $1.second - $0.second }
        #expect((spans.max() ?? 0) >= 3600)
        #expect(spans.allSatisfy { $0 >= 30 })
    }

    @Test func `what is configured is the best that is found`() {
        for configured in Reachability.allCases {
            for hasSocket in [true, false] {
                var scene = Scene(members: 8, configured: configured, hasSocket: hasSocket)
                let expected =
                    configured == .direct && !hasSocket ? Reachability.streamsOnly : configured
                scene.called(by: [2, 3, 4])
                scene.run(300)
                #expect(scene.monitor.current == expected)
                guard expected != .direct else { continue }
                #expect(scene.monitor.nextDeadline == nil)
                #expect(scene.monitor.witnessCount == 0)
                #expect(scene.monitor.sentCount == 0)
            }
        }
    }

    @Test func `a deadline lies ahead, and is when the class changes by itself`() throws {
        var scene = Scene(members: 5)
        scene.run(60)
        #expect(scene.monitor.nextDeadline == nil)
        scene.blocked = Set(scene.others)
        for _ in 0..<60 {
            scene.run(1)
            guard let deadline = scene.monitor.nextDeadline else { continue }
            #expect(deadline > scene.now)
            guard scene.monitor.current == .direct, scene.seconds > 80 else { continue }
            // Evidence enough; only time is missing.
            var monitor = scene.monitor
            let early = MonotonicInstant(nanoseconds: deadline.nanoseconds - 1)
            #expect(monitor.classify(at: early, members: 5, directOthers: 4) == .direct)
            #expect(monitor.classify(at: deadline, members: 5, directOthers: 4) != .direct)
            return
        }
    }

    @Test func `a deadline that passed without evidence is not asked for again`() {
        var scene = Scene(members: 5)
        scene.blocked = Set(scene.others)
        scene.run(120)
        #expect(scene.monitor.current != .direct)
        scene.seconds += 100
        scene.classify()
        #expect(scene.monitor.nextDeadline == nil)
        // Nor where failures stop before they were enough.
        var few = ReachabilityMonitor(configured: .direct, hasSocket: true)
        few.note(.datagramMissed(node(2)), at: .origin)
        _ = few.classify(at: .origin, members: 2, directOthers: 1)
        #expect(few.nextDeadline == .origin + .seconds(15))
        let later = MonotonicInstant.origin + .seconds(20)
        #expect(few.classify(at: later, members: 2, directOthers: 1) == .direct)
        #expect(few.nextDeadline == nil)
    }

    @Test func `any evidence keeps to the bounds, and the same evidence finds the same`() {
        for seed in 1...3 as ClosedRange<UInt64> {
            func run() -> [Reachability] {
                var random = TestRandom(seed: seed)
                var monitor = ReachabilityMonitor(configured: .direct, hasSocket: true)
                var now = MonotonicInstant.origin
                var found: [Reachability] = []
                for _ in 0..<15_000 {
                    now = now + .milliseconds(Int64(random.next() % 20))
                    let id = node(random.next() % 9000)
                    switch random.next() % 6 {
                    case 0...2: monitor.note(.datagramSent(to: id), at: now)
                    case 3: monitor.note(.datagramArrived(from: id), at: now)
                    case 4: monitor.note(.datagramMissed(id), at: now)
                    default: monitor.note(.inboundLink(from: id), at: now)
                    }
                    guard random.next() % 50 == 0 else { continue }
                    found.append(
                        monitor.classify(
                            at: now, members: Int(random.next() % 20),
                            directOthers: Int(random.next() % 20)))
                    if let deadline = monitor.nextDeadline { #expect(deadline > now) }
                }
                #expect(monitor.witnessCount == ReachabilityLimits.witnessesMax)
                #expect(monitor.sentCount <= 2 * ReachabilityLimits.sentMax)
                return found
            }
            #expect(run() == run(), "seed \(seed)")
        }
    }

    @Test func `a burst of new peers is not taken for strangers' datagrams`() {
        var monitor = ReachabilityMonitor(configured: .direct, hasSocket: true)
        var scene = Scene(members: 8)
        scene.blocked = Set(scene.others)
        scene.run(120)
        monitor = scene.monitor
        // More are sent to than can be remembered, and they answer.
        let now = scene.now + .seconds(40)
        for number in 0..<UInt64(ReachabilityLimits.sentMax + 50) {
            monitor.note(.datagramSent(to: node(number)), at: now)
        }
        for number in 0..<UInt64(ReachabilityLimits.sentMax + 50) {
            monitor.note(.datagramArrived(from: node(number)), at: now + .milliseconds(20))
        }
        #expect(monitor.sentCount <= 2 * ReachabilityLimits.sentMax)
        #expect(monitor.classify(at: now + .seconds(1), members: 8, directOthers: 7) != .direct)
    }

    /// A core with a link to member 2, and the class that it found for itself.
    private func linked(_ found: Reachability, member: Reachability = .direct) -> Bench {
        var bench = Bench()
        _ = bench.give(.linkOpened(node(2), tag(2), isInbound: false))
        bench.admit(2, reachability: member)
        _ = bench.give(.reachability(found, []))
        return bench
    }

    /// Datagram pings in ten minutes in which all pings are answered.
    private func trials(_ bench: Bench) -> Int {
        var bench = bench
        var count = 0
        for second in 1...600 {
            let effects = bench.run(until: .seconds(second))
            bench.answer(effects)
            count += effects.packets.count { $0.path == .datagram && $0.packet.isPing }
        }
        return count
    }

    @Test func `a member that datagrams don't reach is tried by one now and then`() {
        #expect((30...150).contains(trials(linked(.direct, member: .streamsOnly))))
        #expect((30...150).contains(trials(linked(.direct, member: .outboundOnly))))
    }

    @Test func `a node that they don't reach tries hardly ever, so that not all wait for others`() {
        #expect((1...20).contains(trials(linked(.outboundOnly))))
        #expect((1...20).contains(trials(linked(.streamsOnly, member: .outboundOnly))))
    }

    @Test func `a node that datagrams don't reach answers them over its link`() {
        for (found, path) in [(Reachability.direct, GossipPath.datagram), (.streamsOnly, .link)] {
            var bench = linked(found)
            let answers = bench.give([], from: 2, message: .ping(sequence: 9), path: .datagram)
            #expect(answers.packets.map(\.path) == [path])
        }
        // Without a link, the way it came is the only one.
        var bench = linked(.streamsOnly)
        _ = bench.give(.linkClosed(node(2)))
        let answers = bench.give([], from: 2, message: .ping(sequence: 9), path: .datagram)
        #expect(answers.packets.map(\.path) == [.datagram])
    }
}
