import NodeAPI

/// How the running node stands with its mesh.
extension Doctor {
    func examineStanding(_ report: inout DoctorReport) {
        guard let own = status?.node else { return }
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
