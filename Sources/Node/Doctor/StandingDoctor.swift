import MeshTransport
import NodeAPI

/// How the running node stands with its mesh.
extension Doctor {
    func examineStanding(_ report: inout DoctorReport) {
        guard let own = status?.node else { return }
        if let said = own.saidRevoked, let first = said.first {
            // Where others take part with this node, one that says so may be wrong, or lie.
            let isAlone = !(status?.members ?? []).contains { !$0.isSelf && $0.state == .alive }
            let shown = said.prefix(6).map(\.by).joined(separator: ", ")
            let names = shown + (said.count > 6 ? " and \(said.count - 6) more" : "")
            report.add(
                .trust, "revoked", isAlone ? .problem : .warning,
                "\(names) \(said.count == 1 ? "says" : "say") that this node was revoked "
                    + "(\(first.text)). It is what they say, not proof",
                remedy: "ask whoever runs the mesh. A node that was revoked joins anew: ask for a "
                    + "new ticket, then `shoal join TICKET-FILE --dir NEW`")
        }
        if let fault = own.storageFault {
            report.add(
                .trust, "stored", .problem,
                "what the running node knows of revocations and gate keys cannot be stored: it acts "
                    + "by it until it stops, and has forgotten it then (\(fault))",
                remedy: "make room and see that \(path)/mesh can be written: the node tries again "
                    + "each second")
        }
        if let reason = own.waitingReason {
            report.add(
                .members, "briefing", .warning,
                "this node does not serve its peers yet: \(reason)",
                remedy: own.waitingAdvice)
        }
    }

    /// Whether the clocks of others are near this one. A link key lives a day from when it was made: so
    /// much is a clock ahead at least by which a key lives longer. That this clock is ahead of others
    /// only they can see: they say so when they refuse the running node.
    func examineClocks(_ outcomes: [ProbeOutcome], _ report: inout DoctorReport) {
        let good = outcomes.count { if case .member = $0 { true } else { false } }
        let ahead = outcomes.compactMap { outcome -> Duration? in
            if case .clockAhead(let difference) = outcome { difference } else { nil }
        }
        let remedy = "compare `date -u` there and here, and set the clock that is wrong"
        let told = status?.node.clocks ?? []
        if let first = told.first {
            let others = Set(told.dropFirst().map(\.member)).subtracting([first.member]).count
            report.add(
                // Where most agree with this one, it is the other's fault.
                .trust, "clock beside others", told.count < good ? .warning : .problem,
                first.text + (others > 0 ? "; \(others) more say the same" : ""),
                remedy: remedy)
        } else if let most = ahead.max() {
            let seconds = most.components.seconds
            report.add(
                .trust, "clock beside others", .problem,
                "this machine's clock is at least \(Hearsay.difference(ahead: -seconds)) those of "
                    + "\(ahead.count) of \(ahead.count + good) that answer",
                remedy: remedy)
        } else if good > 0 {
            report.add(
                .trust, "clock beside others", .ok,
                "it is not behind \(good == 1 ? "that of one member" : "those of \(good) members")"
                    + (status == nil
                        ? "; whether it is ahead they say to a node that runs"
                        : ", and none says that it is ahead"))
        }
    }
}
