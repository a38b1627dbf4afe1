import Foundation
import MeshTransport
import NodeAPI
import Wire

/// Ports, and the addresses by which others reach this node.
extension Doctor {
    func examineNetwork(of subject: Subject) async -> [DoctorReport.Check] {
        var report = DoctorReport(directory: path)
        guard let configuration = subject.configuration else { return [] }
        examineExposure(subject, configuration, &report)
        if subject.isLocked {
            await examineRunning(subject, &report)
        } else {
            await examineStopped(configuration, &report)
        }
        return report.checks
    }

    /// HTTP asks nobody who he is.
    private func examineExposure(
        _ subject: Subject, _ configuration: NodeConfiguration, _ report: inout DoctorReport
    ) {
        // A flag may have said otherwise than the configuration.
        let told = subject.isLocked ? subject.running.flatMap { URL(string: $0.http)?.host() } : nil
        let host = (told ?? configuration.httpHost).trimmingCharacters(in: ["[", "]"])
        guard !NodeHTTPConfiguration.isLoopback(host: host) else { return }
        report.add(
            .network, "HTTP for others", .warning,
            "it is served at \(host), without authentication: anyone who reaches it can ask",
            remedy: "let only whom you trust reach it, by a firewall, or set httpHost to 127.0.0.1")
    }

    // MARK: While it runs

    private func examineRunning(_ subject: Subject, _ report: inout DoctorReport) async {
        guard let running = subject.running else { return }
        if status != nil { report.add(.network, "HTTP", .ok, "it answers at \(running.http)") }
        let addresses = running.addresses.compactMap { NetworkAddress($0) }
        guard !addresses.isEmpty else {
            return report.add(.network, "addresses", .ok, "none: it only dials out")
        }
        guard let credentials = credentials(of: subject) else { return }
        let (limit, resolver) = (probeLimit, resolver)
        let outcomes = await Self.all(addresses, atOnce: DoctorLimits.probesMax) {
            address -> ProbeOutcome in
            guard let target = try? await resolver.addresses(of: address).first else {
                return .unreachable("the name does not resolve")
            }
            return await LinkProbe.run(
                at: target, credentials: credentials, within: limit,
                wallClock: NodeRuntime.wallTime
            ).outcome
        }
        for (address, outcome) in zip(addresses, outcomes) {
            if outcome == .itself {
                report.add(.network, "TCP at \(address)", .ok, "leads to this node")
            } else {
                report.add(
                    .network, "TCP at \(address)", .warning,
                    "does not lead back here: \(outcome.meaning(within: limit))",
                    remedy: Self.outsideRemedy)
            }
        }
        examineDatagrams(&report)
    }

    private func examineDatagrams(_ report: inout DoctorReport) {
        guard let status else { return }
        let others = status.members.count { !$0.isSelf && $0.state == .alive }
        let received = status.counters["gossip_datagrams_received"] ?? 0
        if others > 0, received == 0, status.node.uptimeSeconds > 30 {
            report.add(
                .network, "datagrams", .warning,
                "not one has arrived, though \(others) members live: gossip goes over links alone",
                remedy: "let UDP in at the node's peer port, in the firewall and the router")
        } else if received > 0 {
            report.add(.network, "datagrams", .ok, "\(received) have arrived")
        }
    }

    private static let outsideRemedy =
        "if that is the outside address of a router, it may not lead back from inside, and only "
        + "others can tell; else let TCP and UDP in at that port"

    // MARK: While it does not run

    private func examineStopped(
        _ configuration: NodeConfiguration, _ report: inout DoctorReport
    ) async {
        let http = await SelfTest.listen(
            host: configuration.httpHost, port: configuration.httpPort)
        add(http.problem, "HTTP", configuration.httpHost, configuration.httpPort, &report)
        await http.close()
        guard !configuration.dialOutOnly else {
            return report.add(.network, "peers", .ok, "it only dials out")
        }
        let test = await SelfTest.listen(
            host: configuration.peerHost, port: configuration.peerPort, alsoDatagrams: true)
        add(test.problem, "peers", configuration.peerHost, configuration.peerPort, &report)
        if test.problem == nil {
            await examineAddresses(configuration, test, &report)
        }
        await test.close()
    }

    private func add(
        _ problem: SelfTest.Problem?, _ subject: String, _ host: String, _ port: UInt16,
        _ report: inout DoctorReport
    ) {
        let place = port == 0 ? "any port of \(host)" : addressText(host, port)
        guard let problem else {
            return report.add(
                .network, "port for \(subject)", .ok,
                port == 0 ? "\(place) will do" : "\(place) is free")
        }
        let (why, remedy) = Self.parts(of: problem, port: port)
        report.add(
            .network, "port for \(subject)", .problem, "cannot listen at \(place): \(why)",
            remedy: remedy)
    }

    private static func parts(
        of problem: SelfTest.Problem, port: UInt16
    ) -> (why: String, remedy: String) {
        switch problem {
        case .inUse(let forDatagrams):
            let owner = PortOwner.find(port: port, forDatagrams: forDatagrams)
            return (
                "the port is in use for \(forDatagrams ? "UDP" : "TCP")"
                    + (owner.map { ", by process \($0.pid) (\($0.name))" } ?? ""),
                "stop the program that has it, or choose another port in config.json"
            )
        case .notOurs:
            return (
                "this machine does not have the address",
                "give an address of this machine, or 0.0.0.0, in config.json"
            )
        case .notPermitted:
            return ("not permitted", "choose a port from 1024 in config.json")
        case .other(let reason): return (reason, "choose another address in config.json")
        }
    }

    private func examineAddresses(
        _ configuration: NodeConfiguration, _ test: SelfTest, _ report: inout DoctorReport
    ) async {
        let given = (try? configuration.parsedAddresses()) ?? []
        let addresses =
            given.isEmpty
            ? LocalAddresses.candidates(host: configuration.peerHost, port: test.port)
            : given
        guard !addresses.isEmpty else {
            return report.add(
                .network, "addresses", .warning, "this machine has no address for others",
                remedy: "connect it to a network, or name its address by --address")
        }
        if addresses.allSatisfy(\.isLoopback) {
            report.add(
                .network, "addresses", .ok, "on loopback alone: only this machine reaches it")
        }
        let (limit, resolver) = (probeLimit, resolver)
        let results = await Self.all(addresses, atOnce: DoctorLimits.probesMax) {
            address -> SelfTest.Arrival in
            guard let target = try? await resolver.addresses(of: address).first else {
                return SelfTest.Arrival(stream: false, datagram: false)
            }
            return await test.reach(target, within: limit)
        }
        for (address, arrival) in zip(addresses, results) {
            let isFine = arrival.stream && arrival.datagram
            let found =
                switch (arrival.stream, arrival.datagram) {
                case (true, true): "TCP and UDP arrive"
                case (true, false): "TCP arrives, UDP does not"
                case (false, true): "UDP arrives, TCP does not"
                case (false, false): "neither TCP nor UDP arrives"
                }
            report.add(
                .network, "own address \(address)", isFine ? .ok : .warning, found,
                remedy: isFine ? nil : Self.outsideRemedy)
        }
    }

    private func addressText(_ host: String, _ port: UInt16) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
