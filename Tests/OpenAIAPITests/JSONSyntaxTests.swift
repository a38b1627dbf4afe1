import Foundation
import OpenAIAPI
import Testing

private func fault(_ text: String) -> JSONSyntaxError? { fault(Array(text.utf8)) }

private func fault(_ bytes: [UInt8]) -> JSONSyntaxError? {
    do throws(JSONSyntaxError) {
        try JSONSyntax.check(bytes)
        return nil
    } catch {
        return error
    }
}

/// SplitMix64: only so that a failure can be run again from its seed.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct JSONSyntaxTests {
    private static let sample =
        #" {"a":[1,-0.5e+3,true,false,null,{}],"b\u00e9\n":"h\u00e9 é","c":{"d":[]}} "#

    @Test(arguments: [sample, "0", "-1", "\"\"", "[]", "null", "1E5", "[[],{}]", "\t\r\n1 "])
    func aValidTextPasses(text: String) {
        #expect(fault(text) == nil)
    }

    @Test(arguments: [
        ("{\n  \"a\": 1,\n  oops\n}", 3, 3, 14), ("{\"a\" 1}", 1, 6, 5), ("[1,]", 1, 4, 3),
        ("{\"é\":}", 1, 6, 6), ("", 1, 1, 0), ("[1", 1, 3, 2), ("1 2", 1, 3, 2),
        ("\"a", 1, 1, 0), ("\"\\x\"", 1, 3, 2), ("\"a\nb\"", 1, 3, 2), ("01", 1, 2, 1),
        ("-", 1, 2, 1), ("1.", 1, 3, 2), ("nul", 1, 1, 0), ("{'a':1}", 1, 2, 1),
        ("\"\\u12g4\"", 1, 6, 5), ("NaN", 1, 1, 0),
    ])
    func aFaultIsPlacedByLineColumnAndByte(text: String, line: Int, column: Int, offset: Int) {
        let fault = fault(text)
        #expect(fault?.line == line)
        #expect(fault?.column == column)
        #expect(fault?.offset == offset)
    }

    @Test func bytesThatAreNotUTF8ArePlaced() {
        let fault = fault(Array("[\"a".utf8) + [0xFF] + Array("\"]".utf8))
        #expect(fault?.offset == 3)
        #expect(fault?.reason.contains("UTF-8") == true)
    }

    @Test func nestingIsBounded() {
        let depth = OpenAILimits.nestingDepthMax
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(fault(nested(depth)) == nil)
        #expect(fault(nested(depth + 1))?.offset == depth)
        #expect(fault(String(repeating: "[", count: 1 << 20)) != nil)
    }

    @Test func aTextCutShortAnywhereIsRefused() {
        let bytes = Array(Self.sample.utf8)
        for length in 0..<(bytes.count - 1) {
            #expect(fault(Array(bytes.prefix(length))) != nil, "\(length) bytes")
        }
    }

    @Test func whatPassesIsReadByTheDecoderAndWhatFailsIsNot() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(state: seed)
        let bytes = Array(Self.sample.utf8)
        for round in 0..<2_000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: damaged.indices, using: &random)
                damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            let isRead =
                (try? JSONSerialization.jsonObject(
                    with: Data(damaged), options: [.fragmentsAllowed])) != nil
            // The decoder may refuse more (a lone surrogate), never less.
            if isRead {
                #expect(fault(damaged) == nil, "seed \(seed), round \(round)")
            }
        }
    }
}
