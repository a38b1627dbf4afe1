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

    static func milliseconds(_ value: Double) -> String { String(format: "%.2f ms", value) }

    static func age(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(seconds)) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        default: "\(Int(seconds / 3600)) h"
        }
    }
}
