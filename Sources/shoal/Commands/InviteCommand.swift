import ArgumentParser
import Foundation
import Node
import Trust
import Wire

struct InviteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Let others join the mesh.",
        subcommands: [
            InviteCreateCommand.self, InviteListCommand.self, InviteRevokeCommand.self,
        ])
}

struct InviteCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Print a ticket with which one machine can join.",
        discussion: """
            Whoever holds the ticket can use it: hand it over by a safe way. It works once, for a \
            day, unless told otherwise. The running node need not be told.
            """)

    @OptionGroup var directory: OpenDirectoryOption
    @Option(help: "How long the ticket is good: such as 30s, 10m, 24h or 7d.") var expires = "24h"
    @Option(help: "How many machines may use it.") var uses: UInt16 = 1
    @Option(help: "A label of the newcomer's certificate, as KEY=VALUE. May be repeated.")
    var label: [String] = []
    @Option(
        help: ArgumentHelp(
            "What the newcomer may do: server (it runs requests of others), client (it asks). May "
                + "be repeated; both unless given.", valueName: "server|client"))
    var role: [String] = []
    @Option(help: "Where the newcomer reaches this node, as HOST:PORT. May be repeated.")
    var address: [String] = []
    @Flag(help: "Print JSON.") var json = false

    private struct Report: Encodable {
        var ticket: String
        var id: String
        var expires: UInt64
        var uses: UInt16
        var addresses: [String]
    }

    func run() async throws {
        let state = try directory.open()
        let ticket = try state.createTicket(
            addresses: try addresses(of: state), lifetime: try Self.duration(expires), uses: uses,
            labels: try label.map { try Label($0) },
            roles: try Roles(names: role), now: NodeRuntime.wallTime())
        if json {
            return try Output.json(
                Report(
                    ticket: ticket.text, id: hexadecimal(ticket.keyID),
                    expires: ticket.expires.seconds, uses: ticket.uses,
                    addresses: ticket.addresses.map(\.description)))
        }
        Output.write(ticket.text + "\n")
        Output.note(
            "Good for \(uses == 1 ? "one machine" : "\(uses) machines"), for \(expires), at "
                + ticket.addresses.map(\.description).joined(separator: ", "))
    }

    /// The addresses given; else those that the running node told; else those of the configuration.
    private func addresses(of state: StateDirectory) throws -> [NetworkAddress] {
        let texts: [String]
        if !address.isEmpty {
            texts = address
        } else if let running = StateDirectory.runningNode(at: directory.directory.path) {
            texts = running.addresses
        } else {
            return try state.configuredAddresses()
        }
        return try texts.map { text in
            guard let parsed = NetworkAddress(text) else {
                throw CommandError(.usage, "'\(text)' is not an address: write HOST:PORT")
            }
            return parsed
        }
    }

    static func duration(_ text: String) throws -> Duration {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int(text.dropLast()),
            count > 0, count < 1_000_000
        else { throw CommandError(.usage, "'\(text)' is not a time such as 30s, 10m, 24h or 7d") }
        return .seconds(count * unit)
    }
}

/// A ticket as `invite list`, `invite revoke` and `mesh show` print it.
struct TicketReport: Encodable {
    var id: String
    var state: String
    var created: UInt64
    var expires: UInt64
    var uses: UInt16
    var used_by: [String]
    var labels: [String]
    var roles: [String]

    init(_ ticket: TicketSummary) {
        id = ticket.id
        state = ticket.state.rawValue
        created = ticket.created.seconds
        expires = ticket.expires.seconds
        uses = ticket.uses
        used_by = ticket.usedBy.map(\.hex)
        labels = ticket.labels.map { "\($0.key)=\($0.value)" }
        roles = ticket.roles.names
    }

    /// For people.
    static func table(_ tickets: [TicketSummary]) -> String {
        Output.table(
            ["TICKET", "STATE", "USED", "EXPIRES", "ROLES", "LABELS", "BY"],
            tickets.map { ticket in
                let report = TicketReport(ticket)
                return [
                    ticket.id, report.state, "\(ticket.usedBy.count) of \(ticket.uses)",
                    Output.time(ticket.expires), report.roles.joined(separator: ","),
                    report.labels.isEmpty ? "-" : report.labels.joined(separator: ","),
                    ticket.usedBy.isEmpty
                        ? "-" : ticket.usedBy.map(\.short).joined(separator: ","),
                ]
            })
    }
}

struct InviteListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The tickets that this node made, and what became of them.")

    @OptionGroup var directory: OpenDirectoryOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let tickets = try directory.open().tickets(
            now: NodeRuntime.wallTime())
        if json { return try Output.json(["tickets": tickets.map(TicketReport.init)]) }
        Output.write(tickets.isEmpty ? "No ticket was made.\n" : TicketReport.table(tickets))
    }
}

struct InviteRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Withdraw a ticket, so that it lets nobody in any more.",
        discussion: """
            The running node need not be told. Whom the ticket has let in stays in: for that, see \
            `shoal mesh revoke`.
            """)

    @Argument(help: "The ticket's id (see `shoal invite list`), or the beginning of it.")
    var id: String
    @OptionGroup var directory: OpenDirectoryOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let ticket = try directory.open().withdrawTicket(
            id, now: NodeRuntime.wallTime())
        if json { return try Output.json(TicketReport(ticket)) }
        Output.write("Withdrew the ticket \(ticket.id).\n")
        if !ticket.usedBy.isEmpty {
            Output.note(
                "It has let in \(ticket.usedBy.map(\.short).joined(separator: ", ")), who stay: "
                    + "`shoal mesh revoke` puts a node out.")
        }
    }
}

extension Roles {
    /// The roles of these names; for none, what is usual.
    init(names: [String]) throws {
        self = []
        for name in names {
            switch name {
            case "server": insert(.server)
            case "client": insert(.client)
            default:
                throw CommandError(
                    .usage, "'\(name)' is not a role to give: there are server and client")
            }
        }
        if names.isEmpty { self = .ordinary }
    }
}
