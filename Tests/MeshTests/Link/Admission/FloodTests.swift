import Mesh
import Noise
import Testing
import Trust
import Wire

/// What a flood is made of.
enum Flood: CaseIterable, Sendable {
    /// Bytes by chance.
    case random
    /// First messages by somebody who holds the gate key, each another.
    case valid
    /// First messages of others, again and again.
    case replayed
    /// By somebody who holds the gate key and answers cookies, but is no member.
    case answered
    /// Connections that say nothing.
    case silent
}

/// 10 000 connections in a second of simulated time, none of which ever ends by itself.
private struct Attack {
    let flood: Flood
    let sources: Int
    let thief: TestNode
    let recorded: [[UInt8]]
    var random = SeededGenerator(seed: 11)
    var count = 0

    init(_ flood: Flood, sources: Int, on world: DoorWorld) throws {
        self.flood = flood
        self.sources = sources
        thief = TestNode(
            identity: .generate(), chain: try world.mesh.member("victim").chain,
            genesis: world.mesh.genesis)
        recorded = try (0..<50).map { _ in try world.firstBytes() }
    }

    mutating func strike(_ world: inout DoorWorld) throws {
        count += 1
        let from = source(1 + count % sources)
        switch flood {
        case .random: _ = world.visit(random.bytes(60), from: from)
        case .silent: _ = world.visit([], from: from)
        case .replayed: _ = world.visit(recorded[count % recorded.count], from: from)
        case .valid: _ = world.visit(try world.firstBytes(), from: from)
        case .answered: _ = try world.dial(thief, from: from)
        }
        world.advance(.microseconds(100))
    }
}

@Suite struct FloodTests {
    /// An honest member connects within the handshake's deadline, from an address of its own and from
    /// the flood's, whatever the flood is made of; so does a joiner.
    @Test(arguments: Flood.allCases, [1, 1000])
    func anHonestPeerIsAdmittedUnderAFlood(of flood: Flood, sources: Int) throws {
        var world = try DoorWorld()
        var attack = try Attack(flood, sources: sources, on: world)
        let strikes = flood == .answered ? 600 : 1500
        while attack.count < strikes { try attack.strike(&world) }
        for own in [true, false] {
            let from = own ? source(9_000_000) : source(1)
            let guest = try world.mesh.member("guest")
            let began = world.now
            var link: EstablishedLink?
            while link == nil, world.now < began + LinkLimits.handshakeDeadline {
                link = try world.dial(guest, from: from, roundTrip: .milliseconds(10)) {
                    try attack.strike(&$0)
                }.link
                if link == nil {
                    // A node that was refused tries again a little later.
                    for _ in 0..<100 { try attack.strike(&world) }
                }
            }
            #expect(link?.peer.member?.name == "guest", "\(own ? "own" : "the flood's") address")
            let (joined, refusal) = try world.dial(
                world.mesh.stranger(), lane: .join, id: ticketBeginning + [own ? 1 : 2],
                key: ticketKey, from: from)
            #expect(joined != nil, "\(String(describing: refusal))")
        }
        #expect(world.doorman.halfOpen <= LinkLimits.halfOpenMax)
        #expect(
            world.doorman.waiting <= AdmissionLimits.silentMax + AdmissionLimits.challengedMax)
    }
}
