extension Lexer {
    /// Operators, the longer before those they begin with.
    private static let symbols = [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
        "}", ">", "<", "=", ".", ":", "|", ",", ";",
    ]
    private static let closing = ["(": ")", "[": "]", "{": "}"]

    /// Reads the inside of a tag and its end. Inside brackets the end's spelling is not the end.
    mutating func readTag(isVariable: Bool) throws(TemplateError) {
        let end = isVariable ? "}}" : "%}"
        var brackets: [String] = []
        while let unit = at(position) {
            if brackets.isEmpty, finishes(end, isVariable: isVariable) { return }
            if Characters.isSpace(unit) {
                advance(to: position + 1)
            } else if Characters.isDigit(unit) {
                try readNumber()
            } else if Characters.isWord(unit) {
                var stop = position
                while let unit = at(stop), Characters.isWord(unit) { stop += 1 }
                emit(.name(JinjaText(units: source[position..<stop]).string))
                advance(to: stop)
            } else if unit == Ascii.quote || unit == Ascii.apostrophe {
                try readString(quote: unit)
            } else if let symbol = Self.symbols.first(where: { matches($0, at: position) }) {
                if let close = Self.closing[symbol] {
                    brackets.append(close)
                } else if symbol == ")" || symbol == "]" || symbol == "}" {
                    guard brackets.popLast() == symbol else {
                        throw syntax("'\(symbol)' closes nothing")
                    }
                }
                emit(.symbol(symbol))
                advance(to: position + symbol.utf8.count)
            } else {
                throw syntax("unexpected character '\(unit.asScalar)'")
            }
        }
        throw syntax(
            brackets.last.map { "'\($0)' is missing" } ?? "a tag is not closed by '\(end)'")
    }

    /// Goes behind the tag's end if that is what comes.
    private mutating func finishes(_ end: String, isVariable: Bool) -> Bool {
        var sign: UInt32 = 0
        var close = position
        if matches("-" + end, at: position) || !isVariable && matches("+" + end, at: position) {
            sign = source[position]
            close += 1
        } else if !matches(end, at: position) {
            return false
        }
        emit(isVariable ? .variableEnd : .blockEnd)
        finishTag(at: close + 2, sign: sign, trimsLine: !isVariable)
        return true
    }

    /// Reads an integer or a float; digits may be grouped by single underscores.
    private mutating func readNumber() throws(TemplateError) {
        let start = position
        if source[start] == Ascii.zero, let prefix = at(start + 1).map({ $0 | 0x20 }),
            let radix = [0x62: 2, 0x6F: 8, 0x78: 16][prefix],
            let digits = digits(from: start + 2, radix: radix, leadingUnderscore: true)
        {
            guard let value = Int(digits.text, radix: radix) else {
                throw syntax("the number '\(digits.text)' does not fit 64 bits")
            }
            emit(.integer(value))
            advance(to: digits.end)
            return
        }
        guard let whole = digits(from: start, radix: 10) else { throw syntax("not a number") }
        var text = whole.text
        var end = whole.end
        var isFloat = false
        // After a point, as in `a.1.5`, digits are an index and not a fraction.
        if start == 0 || source[start - 1] != Ascii.dot {
            if at(end) == Ascii.dot, let fraction = digits(from: end + 1, radix: 10) {
                text += "." + fraction.text
                end = fraction.end
                isFloat = true
            }
            if let e = at(end), e | 0x20 == 0x65 {
                var digitsStart = end + 1
                var sign = ""
                if let unit = at(digitsStart), unit == Ascii.plus || unit == Ascii.minus {
                    sign = unit == Ascii.minus ? "-" : ""
                    digitsStart += 1
                }
                if let exponent = digits(from: digitsStart, radix: 10) {
                    text += "e" + sign + exponent.text
                    end = exponent.end
                    isFloat = true
                }
            }
        }
        if isFloat {
            guard let value = Double(text) else { throw syntax("'\(text)' is not a number") }
            emit(.float(value))
        } else {
            guard let value = Int(text) else {
                throw syntax("the number '\(text)' does not fit 64 bits")
            }
            emit(.integer(value))
        }
        advance(to: end)
    }

    /// Digits without their underscores, and the position behind them.
    private func digits(
        from start: Int, radix: Int, leadingUnderscore: Bool = false
    ) -> (text: String, end: Int)? {
        var text = ""
        var end = start
        while let unit = at(end) {
            if unit == Ascii.underscore, !text.isEmpty || leadingUnderscore,
                let next = at(end + 1), Characters.digitValue(next).map({ $0 < radix }) == true
            {
                end += 1
            } else if let value = Characters.digitValue(unit), value < radix {
                text.unicodeScalars.append(unit.asScalar)
                end += 1
            } else {
                break
            }
        }
        return text.isEmpty ? nil : (text, end)
    }

    private mutating func readString(quote: UInt32) throws(TemplateError) {
        var end = position + 1
        while let unit = at(end), unit != quote { end += unit == Ascii.backslash ? 2 : 1 }
        guard end < source.count else { throw syntax("a string is not closed") }
        emit(.string(JinjaText(units: unescaped(source[(position + 1)..<end]))))
        advance(to: end + 1)
    }

    /// What Python's escapes in `text` stand for; an unknown one stands for itself.
    private func unescaped(_ text: ArraySlice<UInt32>) -> [UInt32] {
        let simple: [UInt32: UInt32] = [
            0x5C: 0x5C, 0x27: 0x27, 0x22: 0x22, 0x61: 7, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13,
            0x74: 9, 0x76: 11,
        ]
        let lengths: [UInt32: Int] = [0x78: 2, 0x75: 4, 0x55: 8]
        var units: [UInt32] = []
        var rest = text
        while let unit = rest.popFirst() {
            guard unit == Ascii.backslash, let escape = rest.popFirst() else {
                units.append(unit)
                continue
            }
            if let plain = simple[escape] {
                units.append(plain)
            } else if escape == 10 {
                continue
            } else if let length = lengths[escape],
                let value = number(rest.prefix(length), 16, length)
            {
                rest = rest.dropFirst(length)
                units.append(Unicode.Scalar(value)?.value ?? 0xFFFD)
            } else if (0x30...0x37).contains(escape) {
                var value = escape - 0x30
                for _ in 0..<2 {
                    guard let next = rest.first, (0x30...0x37).contains(next) else { break }
                    value = value * 8 + next - 0x30
                    rest.removeFirst()
                }
                units.append(value)
            } else {
                units += [Ascii.backslash, escape]
            }
        }
        return units
    }

    private func number(_ units: ArraySlice<UInt32>, _ radix: Int, _ length: Int) -> UInt32? {
        guard units.count == length else { return nil }
        var value: UInt32 = 0
        for unit in units {
            guard let digit = Characters.digitValue(unit), digit < radix else { return nil }
            // Eight hexadecimal digits at most: 32 bits hold them.
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
