import ArgumentParser
import Foundation
import NodeAPI

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "The mesh as a node sees it: members, models, links.",
        discussion: "Asks the node of the directory, else the first running one of a local testnet."
    )

    @OptionGroup var node: NodeOptions
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let data = try await NodeClient(baseURL: try node.baseURL()).get("/shoal/v1/status")
        let status: NodeStatus
        do {
            status = try JSONDecoder().decode(NodeStatus.self, from: data)
        } catch {
            throw CommandError(.data, "the answer is not a node's status: another program is there")
        }
        if json { return try Output.json(status) }
        let own = status.node
        Output.write(
            "\(own.name) of mesh '\(own.meshName)' (\(own.meshFingerprint)), "
                + "HTTP at \(own.http), up \(Self.age(own.uptimeSeconds))\n")
        for fault in own.faults { Output.write("FAULT ON PURPOSE: \(fault)\n") }
        Output.write("\n")
        Output.write(
            Output.table(
                ["MEMBER", "STATE", "SINCE", "RTT", "LINK", "LOAD", "MODELS", "ADDRESSES"],
                status.members.map { member in
                    [
                        member.name + (member.isSelf ? " (this)" : ""), member.state.rawValue,
                        Self.age(member.stateSinceSeconds),
                        member.roundTripMilliseconds.map { Self.milliseconds($0) } ?? "-",
                        member.hasLink ? "yes" : "-",
                        member.load.map { "\($0.running)+\($0.queued)" } ?? "-",
                        member.models.isEmpty ? "-" : member.models.joined(separator: ","),
                        member.addresses.isEmpty
                            ? member.reachability : member.addresses.joined(separator: ","),
                    ]
                }))
        if let discovery = status.discovery, discovery.alone {
            Output.write("\n" + Self.alone(discovery) + "\n")
        }
        if status.models.isEmpty {
            Output.write("\nNo model is served.\n")
        } else {
            Output.write(
                "\n"
                    + Output.table(
                        ["MODEL", "DIGEST", "NODES"],
                        status.models.map {
                            [$0.id, String($0.digest.prefix(12)), $0.nodes.joined(separator: ",")]
                        }))
        }
    }

    /// What a node that knows no other member has tried.
    private static func alone(_ discovery: NodeStatus.Discovery) -> String {
        let places = discovery.places.filter { $0.outcome != "self" }
        guard !places.isEmpty else {
            return "Alone: no address of another member is known. Let others in by `shoal invite "
                + "create`, or name a member by --seed HOST:PORT."
        }
        let tried = places.prefix(8).map { place in
            let reason = place.reason ?? (place.outcome == "untried" ? "not yet" : place.outcome)
            return "  \(place.address) (\(place.origin)): "
                + (reason.hasPrefix("\(place.address): ")
                    ? String(reason.dropFirst(place.address.count + 2)) : reason)
        }
        let rest = places.count > 8 ? ["  and \(places.count - 8) more"] : []
        return
            (["Alone: no other member answers. Tried:"] + tried + rest
            + ["`shoal doctor` says what each answer means."]).joined(separator: "\n")
    }

    static func milliseconds(_ value: Double) -> String { String(format: "%.2f ms", value) }

    static func age(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(seconds)) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        default: "\(Int(seconds / 3600)) h"
        }
    }
}
