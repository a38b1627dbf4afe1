import MeshTransport
import Testing
import Trust
import Wire

@testable import Node

/// What members say that close connections because of this node.
struct HearsayTests {
    let folder: TemporaryDirectory
    let clock = TestClock()
    let issuer: StateDirectory

    init() throws {
        folder = try TemporaryDirectory()
        issuer = try StateDirectory.sample(at: folder.path("issuer"))
    }

    @Test func whatIsSaidIsKeptWithinBoundsAndWithoutWhatControlsATerminal() throws {
        func told(_ number: UInt64, _ reason: TurnedAway.Reason) throws -> TurnedAway {
            let chain = try issuer.issue(
                to: NodeID(number: number), name: "n\(number)", labels: [], now: clock.time)
            return TurnedAway(
                by: try chain.verify(genesis: issuer.genesis, at: clock.time, trust: nil),
                reason: reason)
        }
        let hearsay = Hearsay()
        let text = "lost\u{1b}[2J\n\u{202e}x" + String(repeating: "y", count: 1000)
        #expect(hearsay.heard(try told(1, .revoked(text)), at: clock.time)?.name == "n1")
        guard case .revoked(let kept) = hearsay.words[0].fault else { return #expect(Bool(false)) }
        #expect(kept.hasPrefix("lost[2Jxyyy") && kept.count == Hearsay.textMax)
        // Said once in a run, whoever says it again.
        for number in 1...40 as ClosedRange<UInt64> {
            #expect(hearsay.heard(try told(number, .revoked("")), at: clock.time) == nil)
        }
        #expect(hearsay.words.count == Hearsay.wordsMax)
        #expect(hearsay.words[0].name == "n40")
        hearsay.forget(NodeID(number: 40))
        #expect(hearsay.words[0].name == "n39")

        // A clock that agrees is no fault; one that does not is said once, and with its sign.
        let time = clock.time
        #expect(hearsay.heard(try told(50, .clock(time + .seconds(-300))), at: time) == nil)
        #expect(hearsay.words[0].name == "n39")
        let ahead = hearsay.heard(try told(50, .clock(time + .seconds(-3600))), at: time)
        #expect(ahead?.text.contains("60 min ahead of that of n50") == true)
        #expect(hearsay.heard(try told(51, .clock(time + .seconds(7200))), at: time) == nil)
        #expect(hearsay.words[0].text.contains("2 h behind that of n51"))
        // Whatever a liar says is shown as well.
        for extreme in [0, UInt64.max] {
            _ = hearsay.heard(
                try told(52, .clock(WallTime(seconds: extreme))), at: time)
            #expect(hearsay.words[0].text.contains("days"))
        }
    }
}
