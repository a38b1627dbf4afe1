import Testing
import Wire

@testable import Gossip

/// Whatever comes, in whatever order, early, late, twice or never: nothing traps, nothing goes back,
/// nothing grows past its bound, and the same inputs have the same effects.
@Suite struct CorePropertyTests {
    private let crowd: ClosedRange<UInt64> = 1...9

    private func claim(using random: inout TestRandom) -> Claim {
        let author = UInt64.random(in: crowd, using: &random)
        let generation = UInt64.random(in: 1...3, using: &random)
        let incarnation = UInt32.random(in: 0...4, using: &random)
        let signer = UInt8.random(in: 0..<20, using: &random) == 0 ? author + 1 : author
        switch UInt8.random(in: 0..<6, using: &random) {
        case 0, 1:
            let reachability = Reachability.allCases.randomElement(using: &random) ?? .direct
            return signed(
                .alive(
                    aliveClaim(
                        author, generation: generation, incarnation: incarnation,
                        reachability: reachability)), by: signer)
        case 2:
            return signed(
                .leave(LeaveClaim(node: node(author), generation: generation)), by: signer)
        case 3:
            return signed(
                .metadata(
                    MetadataClaim(
                        node: node(author), generation: generation, version: incarnation,
                        metadata: metadata(author))), by: signer)
        default:
            let subject = UInt64.random(in: crowd, using: &random)
            return signed(
                .suspect(
                    SuspectClaim(
                        accuser: node(author), subject: node(subject),
                        generation: generation, incarnation: incarnation)), by: signer)
        }
    }

    private func message(using random: inout TestRandom) -> GossipMessage {
        let number = UInt32.random(in: 0...40, using: &random)
        let other = node(UInt64.random(in: crowd, using: &random))
        switch UInt8.random(in: 0..<7, using: &random) {
        case 0: return .ping(sequence: number)
        case 1, 2:
            return .ack(
                sequence: number,
                AckReport(
                    load: .idle, patience: UInt8(number % 8), coordinate: .origin,
                    observed: address(UInt64(number))))
        case 3: return .forward(number: number, to: other, sealed: [1, 2])
        case 4: return .forwarded(from: other, sealed: [3])
        case 5: return .forwardReceipt(number: number, accepted: number % 2 == 0)
        default: return .none
        }
    }

    private func input(using random: inout TestRandom) -> GossipInput {
        let other = node(UInt64.random(in: crowd, using: &random))
        let certificate = tag(UInt64.random(in: crowd, using: &random))
        switch UInt8.random(in: 0..<24, using: &random) {
        case 0: return .linkOpened(other, certificate, isInbound: Bool.random(using: &random))
        case 1: return .linkClosed(other)
        case 2: return .linkRefused(other)
        case 3: return .certified(other, certificate)
        case 4: return .roundTrip(other, .milliseconds(3))
        case 5:
            return .reachability(Reachability.allCases.randomElement(using: &random) ?? .direct, [])
        case 6: return .activity(MemberActivity(prefixes: [PrefixDigest(random.next() % 4)]))
        case 7: return .metadata(metadata(random.next() % 4))
        case 8: return .seeds([(node: other, addresses: [address(3)])])
        case 9:
            let claims = (0..<4).map { _ in claim(using: &random).encoded }
            let wanted = crowd.map { StateExchange.key(of: node($0)) }
            return .exchanged(StateAnswer.encode(claims: claims, wanted: wanted), from: other)
        default:
            let claims = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                claim(using: &random).encoded
            }
            var bytes = GossipPacket.encode(message(using: &random), claims: claims)
            if UInt8.random(in: 0..<10, using: &random) == 0 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1
            }
            let relay = node(UInt64.random(in: crowd, using: &random))
            let path: GossipPath =
                [.datagram, .link, .relay(relay)].randomElement(using: &random) ?? .datagram
            return .packet(bytes, from: other, path: path)
        }
    }

    /// Runs one random history; returns everything that came out of it.
    private func history(seed: UInt64, steps: Int) -> [GossipEffect] {
        var random = TestRandom(seed: seed)
        var bench = Bench(seed: seed)
        for number in 2...9 as ClosedRange<UInt64> { bench.admit(number) }
        var all: [GossipEffect] = []
        var known: [NodeID: Standing] = [:]
        var own = bench.core.local
        for _ in 0..<steps {
            let before = bench.now
            var effects: [GossipEffect] = []
            if Bool.random(using: &random) {
                // Early, on time, late, or much too late.
                let lateness: Duration =
                    [.milliseconds(-300), .zero, .milliseconds(3), .seconds(1), .seconds(90)]
                    .randomElement(using: &random) ?? .zero
                bench.now = max(before, bench.core.nextDeadline + lateness)
                effects = bench.core.tick(at: bench.now, using: &bench.random)
                #expect(bench.core.nextDeadline > bench.now, "seed \(seed)")
            } else {
                let input = input(using: &random)
                effects = bench.give(input)
                if Bool.random(using: &random) { effects += bench.give(input) }
            }
            for (packet, _, path) in effects.packets {
                #expect(packet.claims.count <= GossipLimits.packetClaimsMax)
                if case .relay = path {
                    #expect(
                        GossipPacket.encode(
                            packet.message ?? .none, claims: packet.claims.map(\.encoded)
                        ).count <= GossipLimits.relayedPacketBytesMax)
                }
            }
            check(bench, &known, seed)
            #expect(bench.core.local.generation == own.generation)
            #expect(bench.core.local.incarnation >= own.incarnation, "seed \(seed)")
            own = bench.core.local
            all += effects
        }
        return all
    }

    private func check(_ bench: Bench, _ known: inout [NodeID: Standing], _ seed: UInt64) {
        for view in bench.core.memberViews {
            let standing = Standing(
                generation: view.alive.generation, incarnation: view.alive.incarnation,
                state: view.state)
            if let old = known[view.id], view.state != .left {
                #expect(
                    (standing.generation, standing.incarnation)
                        >= (old.generation, old.incarnation) || old.state == .left,
                    "seed \(seed): \(view.id)")
                #expect(
                    old.state != .left || standing.generation > old.generation
                        || view.state == .left, "seed \(seed): \(view.id) came back")
            }
            known[view.id] = standing
        }
        let sizes = bench.core.sizes
        #expect(sizes.probes <= GossipLimits.probesMax)
        #expect(sizes.accusers <= GossipLimits.accusersMax)
        #expect(sizes.broadcasts <= GossipLimits.broadcastsMax)
        #expect(sizes.seeds <= GossipLimits.seedsMax)
        #expect(bench.core.localHealth <= GossipLimits.localHealthMax)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `any order of inputs and ticks is safe`(seed: UInt64) {
        _ = history(seed: seed, steps: 400)
    }

    @Test func `the same inputs have the same effects`() {
        for seed in 100...103 as ClosedRange<UInt64> {
            #expect(history(seed: seed, steps: 300) == history(seed: seed, steps: 300))
        }
    }
}
