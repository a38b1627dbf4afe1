import Simulation
import Testing
import Wire

@Suite struct FaultTextTests {
    private let faults: [MembershipSimulation.Fault.Kind] = [
        .crash(7), .lose(0), .restart(12), .restartElsewhere(3, at: 4),
        .restartAll(after: .milliseconds(2500)), .loseSeeds, .leave(1),
        .pause(2, .nanoseconds(1)), .suspend(2, .seconds(40)),
        .slow(5, each: .milliseconds(30), .seconds(20)), .stepClock(6, seconds: -3600),
        .stepClock(6, seconds: 86_400), .rotateKey(9), .partition([0, 1, 2, 3, 7]),
        .partition([5, 3, 4]), .split([[0, 1], [4], [6, 8]]),
        .cut(Cut(from: [1], to: [2, 3])),
        .cut(Cut(from: [1], to: [2, 3], isBothWays: false)),
        .cut(Cut(from: [1], to: [2, 3], isDatagramsOnly: true)),
        .cut(Cut(from: [1], to: [2, 3], isBothWays: false, isDatagramsOnly: true)),
        .clog(from: [0, 2], to: [1], .seconds(5)), .shrink([1, 2], mtu: 500), .block([3]), .heal,
        .update(4),
    ]

    @Test func `every kind of fault is read back from its text, with its time`() {
        for kind in faults {
            for at in [.zero, .nanoseconds(30_000_000_001), .milliseconds(30_500)] as [Duration] {
                let fault = MembershipSimulation.Fault(at: at, kind)
                #expect(MembershipSimulation.Fault("\(fault)") == fault, "\(fault)")
            }
        }
    }

    @Test func `the examples are faults, and of every kind`() {
        let kinds = MembershipSimulation.Fault.examples.map { example in
            let fault = MembershipSimulation.Fault(example)
            #expect(fault?.description == example)
            return example.split(separator: ":")[1]
        }
        let written = faults.map {
            "\(MembershipSimulation.Fault(at: .zero, $0))".split(separator: ":")[1]
        }
        #expect(Set(kinds) == Set(written))
    }

    @Test func `what is no fault is refused`() {
        for text in [
            "", "crash:1", "30:crash", "30:crash:x", "30:crash:1:2", "x:crash:1", "30:explode:1",
            "30:pause:1", "30:pause:1:x", "30:cut:1", "30:cut:1/2/3", "30:partition:3-1",
            "30:partition:0-99999999", "30:restart:1@", "1e3:heal", "30:mtu:1:big",
        ] {
            #expect(MembershipSimulation.Fault(text) == nil, "\(text)")
        }
    }

    @Test func `durations are read back exactly from decimal seconds`() {
        for nanoseconds in [0, 1, 999_999_999, 1_000_000_000, 90_000_000_001, -2_500_000_000] {
            let duration = Duration.nanoseconds(nanoseconds)
            #expect(Duration(decimalSeconds: duration.decimalSeconds) == duration)
        }
        #expect(Duration(decimalSeconds: "0.25") == .milliseconds(250))
        for text in ["", ".", "1.", ".5", "1e3", "1.0000000001", "+1", "--1", "9999999999", "½"] {
            #expect(Duration(decimalSeconds: text) == nil, "\(text)")
        }
    }

    @Test func `a fault that cannot happen makes a configuration a problem`() {
        var configuration = MembershipSimulation.Configuration(
            nodes: 3, seed: 1, duration: .seconds(10))
        configuration.faults = [MembershipSimulation.Fault(at: .seconds(1), .crash(2))]
        #expect(configuration.problem == nil)
        configuration.faults = [MembershipSimulation.Fault(at: .seconds(1), .crash(3))]
        #expect(configuration.problem?.contains("1:crash:3") == true)
        configuration.faults = [
            MembershipSimulation.Fault(at: .seconds(1), .pause(1, .seconds(-1)))
        ]
        #expect(configuration.problem != nil)
    }
}
