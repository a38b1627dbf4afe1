import Testing
import Tokenizer

@Suite struct DecodingTests {
    @Test func aCharacterIsGivenOnlyWhole() {
        var decoder = StreamingDecoder()
        let llama = Array("\u{1F999}".utf8)
        #expect(decoder.append([llama[0]]) == "")
        #expect(decoder.append([llama[1], llama[2]]) == "")
        #expect(decoder.append([llama[3], 0x61]) == "\u{1F999}a")
        #expect(decoder.append([0xC3]) == "")
        #expect(decoder.finish() == "\u{FFFD}")
        #expect(decoder.finish() == "")
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func howBytesAreCutDoesNotMatter(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let interesting: [UInt8] = [
            0x41, 0x80, 0xBF, 0x9F, 0xA0, 0x8F, 0x90, 0xC0, 0xC2, 0xE0, 0xE2, 0xED, 0xF0, 0xF4,
            0xF5, 0xFF, 0x96, 0x81,
        ]
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in
                interesting[Int.random(in: 0..<interesting.count, using: &random)]
            }
            var decoder = StreamingDecoder()
            var text = ""
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(4, rest.count), using: &random)
                text += decoder.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            text += decoder.finish()
            let whole = String(decoding: bytes, as: UTF8.self)
            #expect(Array(text.utf8) == Array(whole.utf8), "seed \(seed): \(bytes)")
        }
    }

    @Test func plainChatJoinsContents() throws {
        let messages = [
            ChatMessage(role: .system, content: "Once"), ChatMessage(role: .user, content: "upon"),
        ]
        #expect(try ChatTemplate.plain.render(messages) == "Once\nupon")
        #expect(throws: TokenizerError.self) { try ChatTemplate.plain.render([]) }
    }

    @Test(
        "Tokens of bytes are given as whole characters, token by token", arguments: [UInt64(1), 2])
    func byteTokensStream(seed: UInt64) async throws {
        let tokenizer = try await fixtureTokenizer("gpt-2")
        let text = "naïve \u{1F999} 日本語 \u{1F468}\u{200D}\u{1F469} กำลัง"
        let ids = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
        #expect(ids.contains { String(validating: tokenizer.bytes(of: $0), as: UTF8.self) == nil })
        var decoder = StreamingDecoder()
        var joined = ""
        for id in ids {
            let part = decoder.append(tokenizer.bytes(of: id))
            #expect(!part.unicodeScalars.contains("\u{FFFD}"))
            joined += part
        }
        #expect(joined + decoder.finish() == text)

        // Tokens in any order are broken text; the parts still join to what all bytes give.
        var random = SeededGenerator(state: seed)
        let shuffled = ids.shuffled(using: &random)
        joined = ""
        for id in shuffled { joined += decoder.append(tokenizer.bytes(of: id)) }
        joined += decoder.finish()
        let whole = String(decoding: tokenizer.bytes(of: shuffled), as: UTF8.self)
        #expect(Array(joined.utf8) == Array(whole.utf8))
    }
}
