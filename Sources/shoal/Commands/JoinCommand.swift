import ArgumentParser
import Foundation
import Node
import Trust

struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Join a mesh with a ticket.",
        discussion: """
            The ticket is read from a file, from standard input (-), or from $SHOAL_TICKET; not \
            from the arguments, which others see. The inviter must be running. Before the ticket \
            is used you are asked whether its mesh is the one you mean: on the terminal, also \
            when standard input is something else. Without a terminal, say --yes. When joining \
            fails, nothing is written; when the inviter was asked and its answer did not come, \
            running the same command again goes on.
            """)

    @Argument(help: "The file with the ticket, or - for standard input.") var ticket: String?
    @OptionGroup var directory: DirectoryOption
    @OptionGroup var node: NewNodeOptions
    @OptionGroup var keys: KeyOption
    @Flag(help: "Do not ask whether this is the right mesh.") var yes = false
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let ticket = try Ticket(text: try ticketText())
        try StateDirectory.refuseExisting(at: directory.path, ticket: ticket)
        let mesh = "'\(ticket.genesis.name)', fingerprint \(ticket.genesis.fingerprint)"
        let configuration = try node.configuration(at: directory.path)
        if !yes { try confirm(mesh) }
        Output.note("Joining the mesh \(mesh) …")
        let state = try await Joining.join(
            ticket, directory: directory.path, nodeName: node.name,
            keys: try keys.protection(), configuration: configuration)
        let chain = try state.certificate()
        if let warning = Joining.clockWarning(chain, now: NodeRuntime.wallTime()) {
            Output.note(warning)
        }
        try state.reportNewNode(
            "Joined", name: chain.member.body.name, keys: keys, json: json)
    }

    /// Asks whether the ticket's mesh is the one that is meant: before anybody else is asked, since
    /// that may use the ticket up.
    private func confirm(_ mesh: String) throws {
        guard let terminal = Terminal(orStandardInput: ticket != "-") else {
            throw CommandError(
                .usage,
                "the ticket is for the mesh \(mesh), and there is no terminal to ask whether that "
                    + "is the one you mean: add --yes to join it. The ticket was not used")
        }
        let answer = terminal.ask("The ticket is for the mesh \(mesh). Join it? [y/N] ")
        guard ["y", "yes"].contains(answer?.lowercased()) else {
            throw CommandError(.refused, "not joined; nothing was written, the ticket was not used")
        }
    }

    private func ticketText() throws -> String {
        switch ticket {
        case "-":
            return String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        case let file?:
            guard let data = FileManager.default.contents(atPath: file) else {
                if TicketText.isLikely(file) { throw CommandError(.usage, TicketText.explanation) }
                throw CommandError(.noInput, "\(file): cannot be read")
            }
            return String(decoding: data.prefix(64 << 10), as: UTF8.self)
        case nil:
            guard let text = ProcessInfo.processInfo.environment["SHOAL_TICKET"] else {
                throw CommandError(
                    .usage, "name the ticket's file, or - for standard input, or set SHOAL_TICKET")
            }
            return text
        }
    }
}
