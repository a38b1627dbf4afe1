/// Numbers as Python writes them.
enum FloatText {
    /// `repr`: the fewest digits that read back as the same number.
    static func shortest(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let (digits, exponent) = decimal(value)
        let sign = value.sign == .minus ? "-" : ""
        guard (-4..<16).contains(exponent) else {
            let fraction = digits.dropFirst()
            let size = exponent.magnitude
            return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction)
                + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + "\(size)"
        }
        guard exponent >= 0 else {
            return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits
        }
        let padded = digits + String(repeating: "0", count: max(0, exponent + 1 - digits.count))
        let fraction = padded.dropFirst(exponent + 1)
        return sign + padded.prefix(exponent + 1) + "." + (fraction.isEmpty ? "0" : fraction)
    }

    /// The significant digits of a finite number, and the power of ten of the first one.
    private static func decimal(_ value: Double) -> (digits: String, exponent: Int) {
        // The standard library's description is the shortest that reads back; only its shape
        // differs from Python's.
        var text = value.magnitude.description[...]
        var exponent = 0
        if let e = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: e)...]) ?? 0
            text = text[..<e]
        }
        let point = text.firstIndex(of: ".") ?? text.endIndex
        var digits = text.filter { $0 != "." }
        exponent += text.distance(from: text.startIndex, to: point) - 1
        while digits.count > 1, digits.hasPrefix("0") {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        return digits == "0" ? ("0", 0) : (digits, exponent)
    }

    /// The number with `places` digits after the point, exact ties to even: `%.{places}f`.
    static func fixed(_ value: Double, places: Int) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        // |value| = mantissa * 2^shift, and what is wanted is round(|value| * 10^places).
        let mantissa = value.significandBitPattern | (value.isNormal ? 1 << 52 : 0)
        let shift = max(1, Int(value.exponentBitPattern)) - 1075
        var number = Decimal(mantissa)
        for _ in 0..<places { number.multiply(by: 10) }
        for _ in 0..<max(0, shift) { number.multiply(by: 2) }
        number.halve(times: max(0, -shift))
        var digits = number.digits
        if digits.count <= places {
            digits = String(repeating: "0", count: places + 1 - digits.count) + digits
        }
        let sign = value.sign == .minus ? "-" : ""
        return sign + digits.dropLast(places) + (places > 0 ? "." + digits.suffix(places) : "")
    }

    /// A whole number of any size, in groups of nine digits, the lowest first.
    private struct Decimal {
        private static let base: UInt64 = 1_000_000_000
        private var groups: [UInt64]

        init(_ value: UInt64) {
            groups = [value % Self.base, value / Self.base % Self.base]
        }

        mutating func multiply(by factor: UInt64) {
            var carry: UInt64 = 0
            for index in groups.indices {
                let product = groups[index] * factor + carry
                groups[index] = product % Self.base
                carry = product / Self.base
            }
            if carry > 0 { groups.append(carry) }
        }

        /// Divides by 2^times, to the nearest, ties to even.
        mutating func halve(times: Int) {
            var half: UInt64 = 0
            var isAboveHalf = false
            for _ in 0..<times {
                isAboveHalf = isAboveHalf || half == 1
                half = 0
                for index in groups.indices.reversed() {
                    let value = groups[index] + half * Self.base
                    groups[index] = value / 2
                    half = value % 2
                }
            }
            guard half == 1, isAboveHalf || groups[0] % 2 == 1 else { return }
            var index = 0
            groups[0] += 1
            while groups[index] == Self.base {
                groups[index] = 0
                index += 1
                if index == groups.count { groups.append(0) }
                groups[index] += 1
            }
        }

        var digits: String {
            var text = ""
            for group in groups.reversed() {
                let digits = String(group)
                text += text.isEmpty ? "" : String(repeating: "0", count: 9 - digits.count)
                if !(text.isEmpty && group == 0) { text += digits }
            }
            return text.isEmpty ? "0" : text
        }
    }

    /// The number that a text spells, as Python's `float` reads it.
    static func number(_ text: JinjaText) -> Double? {
        guard let spelling = spelling(text) else { return nil }
        switch spelling.lowercased() {
        case "nan", "+nan", "-nan": return .nan
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        default:
            let allowed = spelling.unicodeScalars.allSatisfy {
                "0123456789.eE+-".unicodeScalars.contains($0)
            }
            guard allowed else { return nil }
            // Python takes "1." and ".5", the standard library wants digits on both sides.
            var parts = spelling.split(
                separator: ".", maxSplits: 1, omittingEmptySubsequences: false
            ).map(String.init)
            if parts.count == 2 {
                let hasDigit = spelling.unicodeScalars.contains { ("0"..."9").contains($0) }
                guard hasDigit else { return nil }
                if parts[0].isEmpty || parts[0] == "-" || parts[0] == "+" {
                    guard let first = parts[1].first, first.isNumber else { return nil }
                    parts[0] += "0"
                } else if parts[0].last?.isNumber != true {
                    return nil
                }
                if parts[1].isEmpty || parts[1].lowercased().hasPrefix("e") {
                    parts[1] = "0" + parts[1]
                }
            }
            return Double(parts.joined(separator: "."))
        }
    }

    /// The whole number that a text spells, as Python's `int` reads it.
    static func integer(_ text: JinjaText, radix: Int) -> Int? {
        guard var spelling = spelling(text), (2...36).contains(radix) else { return nil }
        let prefixes = [2: "0b", 8: "0o", 16: "0x"]
        let sign = spelling.hasPrefix("-") ? "-" : ""
        if spelling.hasPrefix("-") || spelling.hasPrefix("+") { spelling.removeFirst() }
        if let prefix = prefixes[radix], spelling.lowercased().hasPrefix(prefix) {
            spelling.removeFirst(2)
        }
        guard let first = spelling.first, first != "+", first != "-" else { return nil }
        return Int(sign + spelling, radix: radix)
    }

    /// The text without the white space around it and single underscores between its digits.
    private static func spelling(_ text: JinjaText) -> String? {
        let text = text.stripped().string
        guard text.contains("_") else { return text }
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        for (left, right) in zip(parts, parts.dropFirst()) {
            guard left.last?.isNumber == true, right.first?.isNumber == true else { return nil }
        }
        return parts.joined()
    }
}
