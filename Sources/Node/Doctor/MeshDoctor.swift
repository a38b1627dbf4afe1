import NodeAPI
import Wire

/// What the running node says of the mesh.
extension Doctor {
    func examineMesh(_ report: inout DoctorReport) {
        guard let status else { return }
        let others = status.members.filter { !$0.isSelf }
        examineStates(others, &report)
        examinePaths(others, &report)
        examineIssuers(status.members, &report)
        examineCounters(status.counters, &report)
    }

    private func examineStates(
        _ others: [NodeStatus.Member], _ report: inout DoctorReport
    ) {
        let counts = NodeStatus.MemberState.allCases.compactMap { state -> String? in
            let count = others.count { $0.state == state }
            return count > 0 ? "\(count) \(state.rawValue)" : nil
        }
        guard !counts.isEmpty else {
            return report.add(.members, "states", .ok, "no other member is known")
        }
        let gone = others.filter { $0.state == .dead || $0.state == .suspect }
        let names = gone.prefix(8).map {
            "\($0.name) \($0.state.rawValue) since \(Self.age($0.stateSinceSeconds))"
        }
        report.add(
            .members, "states", gone.isEmpty ? .ok : .warning,
            counts.joined(separator: ", ")
                + (names.isEmpty ? "" : ": " + names.joined(separator: ", ")),
            remedy: gone.isEmpty
                ? nil : "see that these machines are on, and run `shoal doctor` there")
    }

    private func examinePaths(
        _ others: [NodeStatus.Member], _ report: inout DoctorReport
    ) {
        let alive = others.filter { $0.state == .alive }
        // A member that says it can only dial out is as it should be; one that says its datagrams
        // arrive, and whose don't, is behind something that drops them.
        let walled = alive.filter { $0.reachability == "outbound only" }
        if !walled.isEmpty {
            report.add(
                .members, "dial out only", .ok,
                Self.list(walled) { "\($0.name): \($0.reachability), by \($0.path ?? "no way")" })
        }
        let silent = alive.filter {
            $0.reachability != "outbound only" && $0.path != "datagram"
                && $0.stateSinceSeconds > DoctorLimits.pathSettles.seconds
        }
        if !silent.isEmpty {
            report.add(
                .members, "datagrams", .warning,
                "they do not reach "
                    + Self.list(silent) { "\($0.name) (by \($0.path ?? "no way"))" },
                remedy: "let UDP through at the peer ports, here and there")
        }
    }

    private static func list(
        _ members: [NodeStatus.Member], _ text: (NodeStatus.Member) -> String
    ) -> String {
        members.prefix(8).map(text).joined(separator: ", ")
            + (members.count > 8 ? " and \(members.count - 8) more" : "")
    }

    /// Whether an issuer can be reached now; who the issuers are is in what the directory says.
    private func examineIssuers(
        _ members: [NodeStatus.Member], _ report: inout DoctorReport
    ) {
        guard members.count > 1 else { return }
        let reached = members.filter { $0.isIssuer == true && ($0.isSelf || $0.state == .alive) }
        // Members whose certificates have not come yet may be issuers.
        let unknown = members.contains { $0.isIssuer == nil && $0.state == .alive }
        if reached.isEmpty, !unknown {
            report.add(
                .members, "issuers reached", .warning,
                "no issuer is reached: certificates are not renewed, and nobody is let in",
                remedy: "start a node that is an issuer; `shoal mesh show` says which are")
        }
    }

    // MARK: Counters

    /// What should not happen, and what it means when it does.
    private static let strays: [(names: [String], what: String, remedy: String)] = [
        (
            ["datagrams_not_authentic", "datagrams_unknown_sender"],
            "datagrams of strangers",
            "another mesh may use this address, or a member has lost its keys: see where they "
                + "come from"
        ),
        (
            ["datagrams_malformed", "gossip_packets_malformed"], "malformed datagrams",
            "a member may run another version, or a stranger sends them"
        ),
        (
            ["datagrams_replayed"], "datagrams that came before",
            "a network that doubles datagrams, or somebody who plays them again"
        ),
        (
            ["datagrams_over_limit"], "datagrams over a sender's limit",
            "one source sends too many: see which"
        ),
        (
            ["gossip_claims_forged"], "claims with a wrong signature",
            "a member forges or is broken: compare versions"
        ),
        (
            ["links_violations"], "links that broke the protocol",
            "a member may run another version, or is broken"
        ),
        (
            ["links_half_open_refused"], "connections refused because too many were half open",
            "something connects and says nothing, again and again: see where it comes from"
        ),
    ]

    private func examineCounters(
        _ counters: [String: UInt64], _ report: inout DoctorReport
    ) {
        let received = counters["gossip_datagrams_received"] ?? 0
        let worth = max(
            DoctorLimits.strayMin, UInt64(Double(received) * DoctorLimits.strayShare))
        let before = report.checks.count
        if counters["gossip_newer_starts", default: 0] > 0 {
            report.add(
                .members, "identity", .problem,
                """
                another process runs with this node's identity: members hear only one, the later
                """,
                remedy: """
                    stop one of the two; for a machine of its own remove the copied directory there and \
                    join with a ticket
                    """)
        }
        for stray in Self.strays {
            let count = stray.names.reduce(0) { $0 + (counters[$1] ?? 0) }
            if count >= worth {
                report.add(
                    .members, "counters", .warning,
                    "\(count) \(stray.what), of \(received) received",
                    remedy: stray.remedy)
            }
        }
        if report.checks.count == before {
            report.add(
                .members, "counters", .ok, "nothing stands out in \(received) datagrams received")
        }
    }

    private static func age(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(seconds)) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        default: "\(Int(seconds / 3600)) h"
        }
    }
}
