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
}
