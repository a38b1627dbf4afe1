import ArgumentParser
import Foundation
import Node
import Trust

struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Join a mesh with a ticket.",
        discussion: """
            The ticket is read from a file, from standard input (-), or from $SHOAL_TICKET. The \
            inviter must be running. When joining fails, nothing is written; when the inviter was \
            asked and its answer did not come, running the same command again goes on.
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
        Output.note("Joining the mesh \(mesh) …")
        if !yes, isatty(STDIN_FILENO) == 1, self.ticket != "-" {
            FileHandle.standardError.write(Data("Is this the mesh you mean? [y/N] ".utf8))
            guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
                throw CommandError(.refused, "not joined; nothing was written")
            }
        }
        let state = try await Joining.join(
            ticket, directory: directory.path, nodeName: node.name,
            keys: try keys.protection())
        try state.save(node.configuration())
        let chain = try state.certificate()
        try state.reportNewNode("Joined", name: chain.member.body.name, json: json)
    }

    private func ticketText() throws -> String {
        switch ticket {
        case "-":
            return String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        case let file?:
            guard let data = FileManager.default.contents(atPath: file) else {
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
