import Foundation
import Wire

#if canImport(Glibc)
    import Glibc
#endif

/// Printing, for people and for programs.
enum Output {
    /// Whether standard output is a terminal: only then are colours and progress shown.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Prints a value as JSON, keys sorted, on standard output.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        write(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
    }

    /// Writes text to standard output at once, so that a stream shows as it comes. Where nobody reads
    /// any more, as behind `| head`, it is lost.
    static func write(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    /// Writes a line to standard error.
    static func note(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }

    /// Text in a dim colour on a terminal, as it is elsewhere.
    static func dim(_ text: String) -> String { isTerminal ? "\u{1b}[2m\(text)\u{1b}[0m" : text }

    /// A time as people read it, in UTC, to the minute.
    static func time(_ time: WallTime) -> String {
        let date = Date(timeIntervalSince1970: TimeInterval(min(time.seconds, 253_402_300_799)))
        let text = date.formatted(
            .iso8601.year().month().day().time(includingFractionalSeconds: false))
        return text.replacing("T", with: " ").replacing("Z", with: "").dropLast(3) + " UTC"
    }

    /// Rows under a heading, columns aligned.
    static func table(_ heading: [String], _ rows: [[String]]) -> String {
        let all = [heading] + rows
        let widths = heading.indices.map { column in
            all.map { $0[column].count }.max() ?? 0
        }
        return all.map { row in
            zip(row, widths).map { text, width in
                text + String(repeating: " ", count: width - text.count)
            }.joined(separator: "  ").trimmingSuffix { $0 == " " }
        }.joined(separator: "\n") + "\n"
    }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}
