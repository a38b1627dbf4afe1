import Sampling
import Testing

@Suite struct StopMatcherTests {
    /// Feeds `pieces` and gives the text let through and whether it was stopped.
    private func run(_ stops: [String], _ pieces: [String]) throws -> (String, Bool) {
        var matcher = try StopMatcher(stops)
        var text = ""
        for piece in pieces {
            let (emit, stopped) = matcher.append(piece)
            text += emit
            if stopped { return (text, true) }
        }
        return (text + matcher.finish(), false)
    }

    @Test func aStopStringAcrossPiecesEndsTheText() throws {
        #expect(try run(["END"], ["one E", "N", "D two"]) == ("one ", true))
        #expect(try run(["END"], ["one E", "N two"]) == ("one EN two", false))
        #expect(try run([], ["anything"]) == ("anything", false))
        #expect(try run(["aab"], ["aa", "ab"]) == ("a", true))
    }

    @Test func whatMayBecomeAStopStringIsHeldBack() throws {
        var matcher = try StopMatcher(["\n\n"])
        #expect(matcher.append("a\n") == ("a", false))
        #expect(matcher.append("b") == ("\nb", false))
        #expect(matcher.append("\n") == ("", false))
        #expect(matcher.append("\nc") == ("", true))
        #expect(matcher.append("more") == ("", true))
        #expect(matcher.finish() == "")
    }

    @Test func theCutsOfTheTextDoNotMatter() throws {
        let text = "xabcabyabé\u{1F999}z"
        for stops in [["abc", "b"], ["aby", "by"], ["\u{1F999}"], ["zz"], ["é\u{1F999}", "y"]] {
            let whole = try run(stops, [text])
            for first in 0...text.count {
                for second in first...text.count {
                    let head = String(text.prefix(first))
                    let middle = String(text.prefix(second).dropFirst(first))
                    let tail = String(text.dropFirst(second))
                    #expect(try run(stops, [head, middle, tail]) == whole)
                }
            }
        }
    }

    @Test func stopStringsOutOfBoundsAreRefused() {
        #expect(throws: SamplingError.self) { try StopMatcher([""]) }
        #expect(throws: SamplingError.self) {
            try StopMatcher([String(repeating: "x", count: 257)])
        }
        #expect(throws: SamplingError.self) {
            try StopMatcher((0...SamplingLimits.stopStringsMax).map { "stop\($0)" })
        }
    }
}
