/// Cuts a source into tokens, with the white space around tags removed as Jinja2 does under
/// trim_blocks and lstrip_blocks (template designer documentation, "Whitespace Control").
struct Lexer {
    let source: [UInt32]
    var position = 0
    var line = 1
    var tokens: [Token] = []
    /// Whether what was read last ends a line: then white space alone may precede a block tag.
    var isAtLineStart = true

    /// The tokens of `source`, the last one ``Token/Kind/end``.
    static func tokens(of source: String) throws(TemplateError) -> [Token] {
        guard source.utf8.count <= JinjaLimits.sourceBytesMax else {
            throw .limit(
                "the template has \(source.utf8.count) bytes; "
                    + "\(JinjaLimits.sourceBytesMax) are allowed")
        }
        var lexer = Lexer(source: normalised(source))
        try lexer.readAll()
        return lexer.tokens
    }

    private init(source: [UInt32]) { self.source = source }

    /// Line ends become line feeds, and one at the very end goes.
    private static func normalised(_ source: String) -> [UInt32] {
        var units: [UInt32] = []
        units.reserveCapacity(source.utf8.count)
        var previous: Unicode.Scalar = " "
        for scalar in source.unicodeScalars {
            if scalar == "\r" {
                units.append(10)
            } else if scalar != "\n" || previous != "\r" {
                units.append(scalar.value)
            }
            previous = scalar
        }
        if units.last == 10 { units.removeLast() }
        return units
    }

    private mutating func readAll() throws(TemplateError) {
        while position < source.count { try readData() }
        emit(.end)
    }

    /// Reads text up to a tag, and the tag.
    private mutating func readData() throws(TemplateError) {
        let start = position
        var end = position
        while end < source.count, !isTagBegin(end) { end += 1 }
        guard end < source.count else {
            emitText(source[start...])
            advance(to: source.count)
            return
        }
        let kind = source[end + 1]
        var afterSign = end + 2
        var sign: UInt32 = 0
        if let next = at(afterSign), next == Ascii.minus || next == Ascii.plus {
            sign = next
            afterSign += 1
        }
        emitText(strippedText(start..<end, sign: sign, isVariable: kind == Ascii.braceOpen))
        advance(to: end)
        if kind == Ascii.hash {
            try skipComment(from: afterSign)
        } else if kind == Ascii.percent, let body = rawBegin(afterSign) {
            try readRaw(from: body)
        } else {
            let isVariable = kind == Ascii.braceOpen
            emit(isVariable ? .variableBegin : .blockBegin)
            advance(to: afterSign)
            try readTag(isVariable: isVariable)
        }
    }

    /// The text before a tag, less what the tag's sign or lstrip_blocks takes away.
    private func strippedText(
        _ range: Range<Int>, sign: UInt32, isVariable: Bool
    ) -> ArraySlice<UInt32> {
        let text = source[range]
        if sign == Ascii.minus { return text.droppingLast(where: Characters.isSpace) }
        guard sign != Ascii.plus, !isVariable else { return text }
        let lineStart = (text.lastIndex(of: 10) ?? text.startIndex - 1) + 1
        guard lineStart > text.startIndex || isAtLineStart, lineStart < text.endIndex,
            text[lineStart...].allSatisfy(Characters.isSpace)
        else { return text }
        return text[..<lineStart]
    }

    private mutating func skipComment(from start: Int) throws(TemplateError) {
        var end = start
        while !(at(end) == Ascii.hash && at(end + 1) == Ascii.braceClose) {
            guard end < source.count else { throw syntax("a comment is not closed by '#}'") }
            end += 1
        }
        let sign = end > start ? source[end - 1] : 0
        finishTag(at: end + 2, sign: sign, trimsLine: true)
    }

    /// The position after `{% raw %}` if the tag is that.
    private func rawBegin(_ start: Int) -> Int? {
        guard var at = keyword("raw", at: start) else { return nil }
        if matches("%}", at: at) { return at + 2 }
        guard matches("-%}", at: at) else { return nil }
        at += 3
        while let unit = self.at(at), Characters.isSpace(unit) { at += 1 }
        return at
    }

    /// Reads text up to `{% endraw %}`; tags in it are text.
    private mutating func readRaw(from start: Int) throws(TemplateError) {
        advance(to: start)
        isAtLineStart = source[start - 1] == 10
        var end = start
        while end < source.count {
            if at(end) == Ascii.braceOpen, at(end + 1) == Ascii.percent {
                var inside = end + 2
                var sign: UInt32 = 0
                if let next = at(inside), next == Ascii.minus || next == Ascii.plus {
                    sign = next
                    inside += 1
                }
                if let close = keyword("endraw", at: inside) {
                    for (spelling, closeSign) in [
                        ("%}", 0), ("-%}", Ascii.minus), ("+%}", Ascii.plus),
                    ]
                    where matches(spelling, at: close) {
                        emitText(strippedText(start..<end, sign: sign, isVariable: false))
                        finishTag(
                            at: close + spelling.utf8.count, sign: closeSign, trimsLine: true)
                        return
                    }
                }
            }
            end += 1
        }
        throw syntax("a raw block is not closed by '{% endraw %}'")
    }

    /// The position after white space, `word` and white space.
    private func keyword(_ word: String, at start: Int) -> Int? {
        var at = start
        while let unit = self.at(at), Characters.isSpace(unit) { at += 1 }
        guard matches(word, at: at) else { return nil }
        at += word.utf8.count
        while let unit = self.at(at), Characters.isSpace(unit) { at += 1 }
        return at
    }

    /// Goes behind a tag that ends before `end`, with the white space that its sign takes away.
    mutating func finishTag(at end: Int, sign: UInt32, trimsLine: Bool) {
        var end = end
        if sign == Ascii.minus {
            while let unit = at(end), Characters.isSpace(unit) { end += 1 }
        } else if sign != Ascii.plus, trimsLine, at(end) == 10 {
            end += 1
        }
        advance(to: end)
        isAtLineStart = source[end - 1] == 10
    }

    private func isTagBegin(_ index: Int) -> Bool {
        guard source[index] == Ascii.braceOpen, let next = at(index + 1) else { return false }
        return next == Ascii.braceOpen || next == Ascii.percent || next == Ascii.hash
    }

    func at(_ index: Int) -> UInt32? { index < source.count ? source[index] : nil }

    func matches(_ word: String, at index: Int) -> Bool {
        var index = index
        for scalar in word.unicodeScalars {
            guard at(index) == scalar.value else { return false }
            index += 1
        }
        return true
    }

    mutating func advance(to end: Int) {
        for unit in source[position..<end] where unit == 10 { line += 1 }
        position = end
    }

    mutating func emit(_ kind: Token.Kind) { tokens.append(Token(kind: kind, line: line)) }

    private mutating func emitText(_ text: ArraySlice<UInt32>) {
        if !text.isEmpty { emit(.text(JinjaText(units: text))) }
    }

    func syntax(_ message: String) -> TemplateError {
        TemplateError(.syntax, message, line: line)
    }
}

/// The characters that the lexer asks for by name.
enum Ascii {
    static let quote = UInt32(0x22)
    static let hash = UInt32(0x23)
    static let percent = UInt32(0x25)
    static let apostrophe = UInt32(0x27)
    static let plus = UInt32(0x2B)
    static let minus = UInt32(0x2D)
    static let dot = UInt32(0x2E)
    static let zero = UInt32(0x30)
    static let backslash = UInt32(0x5C)
    static let underscore = UInt32(0x5F)
    static let braceOpen = UInt32(0x7B)
    static let braceClose = UInt32(0x7D)
}

extension ArraySlice {
    /// The slice without the elements at its end that satisfy `predicate`.
    func droppingLast(where predicate: (Element) -> Bool) -> Self {
        var end = endIndex
        while end > startIndex, predicate(self[end - 1]) { end -= 1 }
        return self[startIndex..<end]
    }
}
