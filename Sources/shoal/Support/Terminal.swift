import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// The terminal at which a person can be asked something.
struct Terminal {
    private let input: Int32
    private let output: Int32
    private let isOwn: Bool

    /// The longest answer, in bytes.
    private static let answerBytesMax = 256

    /// Standard input where it is a terminal and nothing else is read from it, else the terminal
    /// that the process belongs to. Nil where there is neither: in a script, a service, a container.
    init?(orStandardInput mayUseInput: Bool) {
        if mayUseInput, isatty(STDIN_FILENO) == 1 {
            (input, output, isOwn) = (STDIN_FILENO, STDERR_FILENO, false)
            return
        }
        let descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        (input, output, isOwn) = (descriptor, descriptor, true)
    }

    /// Asks, and gives the line that is answered; nil where no line comes. To be called once.
    func ask(_ question: String) -> String? {
        defer { if isOwn { close(input) } }
        let text = Array(question.utf8)
        guard write(output, text, text.count) == text.count else { return nil }
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < Self.answerBytesMax {
            let count = read(input, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") {
                return String(decoding: line, as: UTF8.self)
                    .trimmingCharacters(in: .whitespaces)
            }
            line.append(byte)
        }
        return nil
    }
}

/// Tickets that stand where they must not: in the arguments, which every user of the machine sees
/// and shells keep. They are never repeated in a message.
enum TicketText {
    /// Without a dot or a slash a longer text is no name that a person gave a file.
    private static let nameBytesMax = 64

    static let explanation =
        "that is a ticket, not a file that holds one: write it to a file, or hand it over by "
        + "standard input (-) or $SHOAL_TICKET. Other users see what a command is called with, and "
        + "shells keep it: withdraw the ticket (`shoal invite revoke`) if that matters here"

    /// Whether an argument is, or may be, the text of a ticket, or a good part of one.
    static func isLikely(_ argument: String) -> Bool {
        let text = argument.lowercased().filter { !$0.isWhitespace }
        if text.contains(/shoal[0-9]{1,3}-/) { return true }
        return text.utf8.count > nameBytesMax && !text.contains(where: { "./\\".contains($0) })
    }

    /// A message of the argument parser, which repeats arguments that it does not know.
    static func redacted(
        _ message: String, arguments: [String] = CommandLine.arguments
    ) -> String {
        arguments.dropFirst().filter { $0.contains(/shoal[0-9]{1,3}-/) }.reduce(message) {
            $0.replacing($1, with: "(a ticket)")
        }
    }
}
