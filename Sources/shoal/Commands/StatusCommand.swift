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
        let data = try await node.client().get("/shoal/v1/status")
        let status: NodeStatus
        do {
            status = try JSONDecoder().decode(NodeStatus.self, from: data)
        } catch {
            throw CommandError(.data, "the answer is not a node's status: another program is there")
        }
        if json { return try Output.json(status) }
        let own = status.node
        Output.write(
            "\(own.name) of mesh '\(own.meshName)' (\(own.meshFingerprint)), shoal \(own.version), "
                + "HTTP at \(own.http), up \(Self.age(own.uptimeSeconds))\n")
        Output.write("reached: \(own.reachability), since \(own.reachabilityReason)")
        if !own.observedAddresses.isEmpty {
            Output.write("; seen by others at \(own.observedAddresses.joined(separator: ","))")
        }
        Output.write("\n")
        if let exclusion = own.exclusion { Output.write("OUT OF THE MESH: \(exclusion)\n") }
        if let said = own.saidRevoked, let first = said.first {
            Output.write(
                "REVOKED, as \(said.map(\.by).joined(separator: ", ")) "
                    + "\(said.count == 1 ? "says" : "say"): \(first.text)\n"
                    + "  what to do: ask whoever runs the mesh; a node that was revoked joins anew, in "
                    + "another directory, with a new ticket\n")
        }
        if let clock = own.clocks?.first {
            Output.write(
                "CLOCK: \(clock.text)\n"
                    + "  what to do: compare `date -u` there and here, and set the clock that is "
                    + "wrong\n")
        }
        if let fault = own.storageFault {
            Output.write("NOT STORED, revocations or gate keys: \(fault)\n")
        }
        if let reason = own.waitingReason {
            Output.write("not serving peers yet: \(reason)\n")
            if let advice = own.waitingAdvice { Output.write("  what to do: \(advice)\n") }
        }
        for fault in own.faults { Output.write("FAULT ON PURPOSE: \(fault)\n") }
        Output.write("\n" + Self.members(status.members, status.links))
        if let discovery = status.discovery, discovery.alone {
            Output.write("\n" + Self.alone(discovery) + "\n")
        }
        if status.models.isEmpty {
            Output.write("\nNo model is served.\n")
        } else {
            Output.write(
                "\n"
                    + Output.table(
                        ["MODEL", "FORMAT", "DIGEST", "NODES", "ALIASES", "SPEEDS"],
                        status.models.map { model in
                            [
                                model.id, model.format.isEmpty ? "-" : model.format,
                                String(model.digest.prefix(12)), model.nodes.joined(separator: ","),
                                model.rungs.isEmpty
                                    ? "-"
                                    : model.rungs.map { "\($0.alias)#\($0.rung + 1)" }
                                        .joined(separator: ","),
                                Self.speeds(of: model.id, status.members),
                            ]
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
            let reason =
                place.outcome == "member"
                ? "\(place.reason ?? "a member") answered, and the link did not last"
                : place.reason ?? (place.outcome == "untried" ? "not yet" : place.outcome)
            return "  \(place.address) (\(place.origin)): "
                + (reason.hasPrefix("\(place.address): ")
                    ? String(reason.dropFirst(place.address.count + 2)) : reason)
        }
        let rest = places.count > 8 ? ["  and \(places.count - 8) more"] : []
        return
            (["Alone: no other member answers. Tried:"] + tried + rest
            + ["`shoal doctor` says what each answer means."]).joined(separator: "\n")
    }

    private static func members(
        _ members: [NodeStatus.Member], _ links: [NodeStatus.Link]
    ) -> String {
        Output.table(
            [
                "MEMBER", "STATE", "SINCE", "REACHED", "PATH", "RTT", "LOAD", "KV", "INC",
                "MODELS", "ADDRESSES",
            ],
            members.map { member in
                [
                    member.name + (member.isSelf ? " (this)" : ""),
                    member.state.rawValue + (member.patience > 0 ? " (busy)" : ""),
                    age(member.stateSinceSeconds), member.reachability, path(to: member, links),
                    roundTrip(member), member.load.map { "\($0.running)+\($0.queued)" } ?? "-",
                    member.load.map { $0.freeKVTokens > 0 ? "\($0.freeKVTokens)" : "-" } ?? "-",
                    "\(member.incarnation)",
                    member.models.isEmpty ? "-" : member.models.joined(separator: ","),
                    addresses(of: member),
                ]
            })
    }

    private static func path(
        to member: NodeStatus.Member, _ links: [NodeStatus.Link]
    ) -> String {
        guard let path = member.path else { return "-" }
        let link = links.first { $0.peerID == member.id }
        let through = link?.through.map { " through \($0)" } ?? ""
        return member.hasLink && path != "link" ? path + "+link" + through : path + through
    }

    /// Measured, or after `~` what coordinates predict.
    private static func roundTrip(_ member: NodeStatus.Member) -> String {
        if let measured = member.roundTripMilliseconds { return milliseconds(measured) }
        return member.estimatedRoundTripMilliseconds.map { "~" + milliseconds($0) } ?? "-"
    }

    private static func addresses(of member: NodeStatus.Member) -> String {
        let heard = member.datagramAddresses.filter { !member.addresses.contains($0) }
        let all = member.addresses + heard.map { "(seen at \($0))" }
        return all.isEmpty ? "-" : all.joined(separator: ",")
    }

    /// Tokens a second of prompts and of answers, the slowest and the fastest member that tells.
    private static func speeds(of model: String, _ members: [NodeStatus.Member]) -> String {
        let told = members.filter { $0.state == .alive }.flatMap(\.speeds)
            .filter { $0.model == model }
        func range(_ values: [Double]) -> String {
            guard let low = values.min(), let high = values.max() else { return "-" }
            let (from, to) = (plain(low), plain(high))
            return from == to ? from : "\(from)–\(to)"
        }
        guard !told.isEmpty else { return "-" }
        return "\(range(told.map(\.prefillTokensPerSecond))) in, "
            + "\(range(told.map(\.decodeTokensPerSecond))) out /s"
    }

    /// Three digits that count, and all of a larger number: never an exponent.
    static func plain(_ value: Double) -> String {
        switch value {
        case ..<9.995: String(format: "%.2f", value)
        case ..<99.95: String(format: "%.1f", value)
        default: String(format: "%.0f", value)
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
