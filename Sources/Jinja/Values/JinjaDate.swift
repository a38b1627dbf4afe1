/// A moment by the clock on the wall, for `strftime_now`. The caller reads the clock.
public struct JinjaDate: Sendable, Hashable {
    /// The year, by the Gregorian calendar.
    public var year: Int
    /// The month, from 1 to 12.
    public var month: Int
    /// The day of the month, from 1.
    public var day: Int
    /// The hour, from 0 to 23.
    public var hour: Int
    /// The minute, from 0 to 59.
    public var minute: Int
    /// The second, from 0 to 60.
    public var second: Int

    /// A moment; nil if a number is out of its range.
    public init?(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
    ) {
        guard (1...9999).contains(year), (1...12).contains(month),
            (1...Self.days(of: month, in: year)).contains(day), (0...23).contains(hour),
            (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// The moment in UTC that many seconds after the beginning of 1970; nil if it is not in the
    /// years 1 to 9999.
    public init?(secondsSince1970 seconds: Int) {
        guard (-62_135_596_800..<253_402_300_800).contains(seconds) else { return nil }
        let days = (seconds - (seconds % 86400 + 86400) % 86400) / 86400
        let rest = seconds - days * 86400
        // Days are counted from 1 March of the year 0, so that a leap day ends a year; 400 years
        // have 146097 days.
        let shifted = days + 719_468
        let era = (shifted - (shifted % 146_097 + 146_097) % 146_097) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.init(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, hour: rest / 3600,
            minute: rest % 3600 / 60, second: rest % 60)
    }

    private static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func days(of month: Int, in year: Int) -> Int {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// The day of the year, from 1.
    private var dayOfYear: Int {
        (1..<month).reduce(day) { $0 + Self.days(of: $1, in: year) }
    }

    /// The day of the week, 0 for Sunday.
    private var weekday: Int {
        let before = year - 1
        return (before * 365 + before / 4 - before / 100 + before / 400 + dayOfYear) % 7
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]
    private static let weekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    /// The text of one of strftime's directives in the C locale; nil if it is not known.
    /// `pads` is false for the form without leading zeros (`%-d`).
    func text(of directive: Unicode.Scalar, pads: Bool = true) -> String? {
        func number(_ value: Int, _ width: Int, _ fill: String = "0") -> String {
            let digits = String(value)
            return (pads ? String(repeating: fill, count: max(0, width - digits.count)) : "")
                + digits
        }
        let twelve = hour % 12 == 0 ? 12 : hour % 12
        switch directive {
        case "Y": return String(year)
        case "y": return number(year % 100, 2)
        case "m": return number(month, 2)
        case "d": return number(day, 2)
        case "e": return number(day, 2, " ")
        case "H": return number(hour, 2)
        case "I": return number(twelve, 2)
        case "M": return number(minute, 2)
        case "S": return number(second, 2)
        case "j": return number(dayOfYear, 3)
        case "p": return hour < 12 ? "AM" : "PM"
        case "B": return Self.months[month - 1]
        case "b", "h": return String(Self.months[month - 1].prefix(3))
        case "A": return Self.weekdays[weekday]
        case "a": return String(Self.weekdays[weekday].prefix(3))
        case "w": return String(weekday)
        case "u": return String(weekday == 0 ? 7 : weekday)
        case "%": return "%"
        case "n": return "\n"
        case "t": return "\t"
        case "F": return composed("Y-m-d")
        case "D", "x": return composed("m/d/y")
        case "T", "X": return composed("H:M:S")
        case "R": return composed("H:M")
        case "c":
            return composed("a b e T Y")
        default: return nil
        }
    }

    /// Directives by their letters, other characters as they are.
    private func composed(_ pattern: String) -> String {
        pattern.unicodeScalars.map { text(of: $0) ?? String($0) }.joined()
    }

    /// The date as `format` lays it out.
    func formatted(_ format: JinjaText) throws(TemplateError) -> JinjaText {
        var units: [UInt32] = []
        var rest = format.units[...]
        while let unit = rest.popFirst() {
            guard unit.asScalar == "%" else {
                units.append(unit)
                continue
            }
            var pads = true
            if rest.first?.asScalar == "-" {
                pads = false
                rest.removeFirst()
            }
            guard let directive = rest.popFirst()?.asScalar,
                let text = text(of: directive, pads: pads)
            else { throw .unsupported("the date format '\(format.string)' is not supported") }
            units += JinjaText(text).units
        }
        return JinjaText(units: units)
    }
}
