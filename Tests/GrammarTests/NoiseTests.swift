import Testing

@testable import Grammar

@Suite struct NoiseTests {
    private static let seeds = [
        "root ::= \"a\" (b | [^x-z\\n]{2,3}){1,} # c\nb ::= \"\\u00e9\"? .",
        "root ::= item+\nitem ::= \"- \" [^\\n]+ \"\\n\"",
        #"{"type":"object","properties":{"a":{"type":"integer","minimum":-3,"maximum":900}}}"#,
        ##"{"$ref":"#/$defs/x","$defs":{"x":{"anyOf":[{"const":"é"},{"items":{"$ref":"#"}}]}}}"##,
        #"{"type":"string","pattern":"^(a|[b-d]+)\\.\\d{2,3}$"}"#,
        #"{"allOf":[{"required":["a"]},{"additionalProperties":{"enum":[1,"b"]}}]}"#,
    ]

    @Test(
        "Noise, and grammars and schemas with bytes changed, are read or refused, never trapped on")
    func noiseIsReadOrRefused() {
        var random = TestRandom(11)
        let parts = Self.seeds.map { Array($0.utf8) }
        for round in 0..<400 {
            var bytes: [UInt8] = [UInt8(truncatingIfNeeded: random.next())]
            if round % 4 == 0 {
                bytes += (0..<random.next(below: 60)).map { _ in
                    UInt8(truncatingIfNeeded: random.next())
                }
            } else {
                bytes[0] = 220
                bytes += parts[round % parts.count]
                for _ in 0..<1 + random.next(below: 4) {
                    let place = 1 + random.next(below: bytes.count - 1)
                    switch random.next(below: 3) {
                    case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                    case 1: bytes.remove(at: place)
                    default: bytes.insert(bytes[1 + random.next(below: bytes.count - 1)], at: place)
                    }
                }
                bytes += Array(#"{"a": [1, "xé"]}"#.utf8)
            }
            GrammarFuzz.run(bytes)
        }
    }
}
