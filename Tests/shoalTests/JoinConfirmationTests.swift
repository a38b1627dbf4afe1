import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A terminal, of which a command has one end and a test the other.
private final class TestTerminal {
    /// The command's end.
    let commandEnd: FileHandle
    private let testEnd: Int32

    init() throws {
        let name: String
        #if canImport(Glibc)
            // As unlockpt(3) and ptsname(3) do, which Swift does not see here: ioctl_tty(2).
            testEnd = open("/dev/ptmx", O_RDWR | O_NOCTTY)
            var (isLocked, number): (Int32, Int32) = (0, 0)
            guard testEnd >= 0, ioctl(testEnd, 0x4004_5431, &isLocked) == 0,
                ioctl(testEnd, 0x8004_5430, &number) == 0
            else { throw Problem("no terminal can be made") }
            name = "/dev/pts/\(number)"
        #else
            testEnd = posix_openpt(O_RDWR | O_NOCTTY)
            guard testEnd >= 0, grantpt(testEnd) == 0, unlockpt(testEnd) == 0,
                let text = ptsname(testEnd)
            else { throw Problem("no terminal can be made") }
            name = String(cString: text)
        #endif
        let descriptor = open(name, O_RDWR | O_NOCTTY)
        guard descriptor >= 0 else { throw Problem("no terminal can be opened") }
        commandEnd = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    deinit { close(testEnd) }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(testEnd, bytes, bytes.count)
    }
}

/// Runs a command in a session of its own, so that it has no terminal even where the tests have one.
private let withoutTerminal: [String] = {
    let setsid = "/usr/bin/setsid"
    return FileManager.default.isExecutableFile(atPath: setsid) ? [setsid, "--wait"] : []
}()

/// Whether a command can be run without a terminal here.
private let canLackTerminal: Bool = {
    let terminal = open("/dev/tty", O_RDWR | O_NOCTTY)
    if terminal >= 0 { close(terminal) }
    return terminal < 0 || !withoutTerminal.isEmpty
}()

extension ProcessTests {
    @Suite struct JoinConfirmationTests {
        @Test(.enabled(if: canLackTerminal))
        func withoutATerminalAJoinAsksForYesAndTheTicketIsNotUsed() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                let text = try String(contentsOfFile: ticket, encoding: .utf8)
                for (argument, input) in [(ticket, ""), (ticket, "y\n"), ("-", text)] {
                    expectRefusal(
                        try await place.start(
                            ["join", argument, "--dir", place.path("beta")], input: input,
                            runner: withoutTerminal
                        ).outcome(), status: 64, saying: "--yes", "mesh-of-alpha", "not used")
                    #expect(!place.exists("beta"))
                }
                #expect(try await place.join(ticket, as: "beta").status == 0)
            }
        }

        @Test func onATerminalTheMeshIsShownAndOnlyYesJoins() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                let join = ["join", ticket, "--dir", place.path("beta")]
                for answer in ["n\n", "\n", "yep\n"] {
                    let terminal = try TestTerminal()
                    let command = try place.start(join, terminal: terminal.commandEnd)
                    try await eventually("it asks") { command.errors.contains("[y/N]") }
                    #expect(command.errors.contains("mesh-of-alpha"))
                    terminal.type(answer)
                    let outcome = try await command.outcome()
                    #expect(outcome.status == 77, "\(outcome)")
                    #expect(outcome.errors.contains("not joined"), "\(outcome)")
                    #expect(!place.exists("beta"))
                }
                let terminal = try TestTerminal()
                let command = try place.start(join, terminal: terminal.commandEnd)
                try await eventually("it asks") { command.errors.contains("[y/N]") }
                terminal.type("yes\n")
                let outcome = try await command.outcome()
                #expect(outcome.status == 0, "\(outcome)")
            }
        }

        @Test func aTicketAmongTheArgumentsIsRefusedAndNeverRepeated() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                let ticket = try await place.succeed(
                    "invite", "create", "--dir", place.path("alpha"), "--address", "127.0.0.1:9"
                ).output.trimmingCharacters(in: .whitespacesAndNewlines)
                let secret = String(ticket.suffix(80))
                let file = try place.write(ticket, to: "ticket")
                for arguments in [
                    [ticket], [ticket, "--yes"], [String(ticket.dropFirst(7))],
                    [String(ticket.prefix(100))],
                ] {
                    let outcome = try await place.start(["join"] + arguments).outcome()
                    expectRefusal(outcome, status: 64, saying: "that is a ticket", "SHOAL_TICKET")
                    #expect(!outcome.errors.contains(secret))
                    #expect(!outcome.errors.contains(ticket.prefix(60).suffix(40)))
                }
                for arguments in [[file, ticket], ["--ticket", ticket], ["--\(ticket)"]] {
                    let outcome = try await place.start(["join"] + arguments).outcome()
                    #expect(outcome.status == 64, "\(outcome)")
                    #expect(!(outcome.errors + outcome.output).contains(secret), "\(outcome)")
                }
            }
        }
    }
}
