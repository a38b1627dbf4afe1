import ArgumentParser
import Foundation
import Node
import Trust
import Wire

struct MeshShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "The mesh, as this node's directory knows it: keys, issuers, revocations.",
        discussion: "The node need not run. Prints no secret.")

    @OptionGroup var directory: OpenDirectoryOption
    @Flag(help: "Print JSON.") var json = false

    private struct Report: Encodable {
        struct Mesh: Encodable {
            var name: String
            var fingerprint: String
            var id: String
            var authority: String
            /// Whether the authority's key is in the directory.
            var authority_key_here: Bool
            var created: UInt64
        }

        struct Issuer: Encodable {
            var name: String
            var id: String
            var ends: UInt64
            /// `valid`, `expired` or `revoked`.
            var state: String
            var this: Bool
        }

        struct GateKey: Encodable {
            var epoch: UInt64
            var issuer: String
            var superseded: Int
        }

        struct Own: Encodable {
            var name: String
            var id: String
            var roles: [String]
            var labels: [String]
            var serial: String
            var begins: UInt64
            var ends: UInt64
            var renewed_from: UInt64
            var issuer: String
            /// Why the mesh does not accept it; nil when it does.
            var problem: String?
        }

        struct Revocation: Encodable {
            var kind: String
            var target: String
            var name: String?
            var reason: String
            var by: String
            var sequence: UInt64
            var at: UInt64
        }

        struct Certified: Encodable {
            var name: String
            var id: String
            var roles: [String]
            var labels: [String]
            var serial: String
            var ends: UInt64
        }

        var mesh: Mesh
        var certificate: Own
        var issuers: [Issuer]
        var gate_key: GateKey
        var revocations: [Revocation]
        var tickets: [TicketReport]
        var certified: [Certified]
    }

    func run() async throws {
        let state = try directory.open()
        let now = NodeRuntime.wallTime()
        let tickets = state.tickets(now: now).filter { $0.state == .open }
        let report = try await report(of: state, tickets: tickets, at: now)
        if json { return try Output.json(report) }
        Output.write(Self.text(report, tickets: tickets))
    }

    private func report(
        of state: StateDirectory, tickets: [TicketSummary], at now: WallTime
    ) async throws -> Report {
        let (genesis, trust, keys) = (state.genesis, try state.trust(), try state.gateKeys())
        let names = await NodeNames(state)
        func text(_ node: NodeID) -> String {
            node == genesis.authority ? "the authority" : names.text(of: node)
        }
        return Report(
            mesh: Report.Mesh(
                name: genesis.name, fingerprint: genesis.fingerprint, id: genesis.id.hex,
                authority: genesis.authority.hex, authority_key_here: state.holdsAuthorityKey,
                created: genesis.created.seconds),
            certificate: try own(state, trust, text, at: now),
            issuers: trust.issuers.map { issuer in
                let node = issuer.body.subject
                return Report.Issuer(
                    name: issuer.body.name, id: node.hex, ends: issuer.body.notAfter.seconds,
                    state: trust.issuer(node) == nil
                        ? "revoked" : issuer.body.notAfter <= now ? "expired" : "valid",
                    this: node == state.identity.nodeID)
            },
            gate_key: Report.GateKey(
                epoch: keys.current.key.epoch.counter, issuer: text(keys.current.key.epoch.issuer),
                superseded: keys.superseded.count),
            revocations: trust.revocations.map { Self.describe($0, names: names, by: text) },
            tickets: tickets.map(TicketReport.init),
            certified: state.issued().map { chain in
                let body = chain.member.body
                return Report.Certified(
                    name: body.name, id: body.subject.hex, roles: body.roles.names,
                    labels: body.labels.map { "\($0.key)=\($0.value)" },
                    serial: String(body.serial, radix: 16), ends: body.notAfter.seconds)
            })
    }

    private func own(
        _ state: StateDirectory, _ trust: TrustState, _ text: (NodeID) -> String, at now: WallTime
    ) throws -> Report.Own {
        let chain = try state.certificate()
        let body = chain.member.body
        var problem: String?
        do {
            _ = try chain.verify(genesis: state.genesis, at: now, trust: trust)
        } catch { problem = "\(error)" }
        return Report.Own(
            name: body.name, id: body.subject.hex, roles: body.roles.names,
            labels: body.labels.map { "\($0.key)=\($0.value)" },
            serial: String(body.serial, radix: 16), begins: body.notBefore.seconds,
            ends: body.notAfter.seconds, renewed_from: chain.renewalTime.seconds,
            issuer: text(body.issuer), problem: problem)
    }

    private static func describe(
        _ revocation: Revocation, names: NodeNames, by text: (NodeID) -> String
    ) -> Report.Revocation {
        var report = Report.Revocation(
            kind: "", target: "", name: nil, reason: revocation.reason,
            by: text(revocation.signer), sequence: revocation.sequence,
            at: revocation.issuedAt.seconds)
        switch revocation.target {
        case .member(let node):
            (report.kind, report.target, report.name) = ("member", node.hex, names.name(of: node))
        case .issuer(let node, _):
            (report.kind, report.target, report.name) = ("issuer", node.hex, names.name(of: node))
        case .certificate(let serial):
            (report.kind, report.target) = ("certificate", String(serial, radix: 16))
        }
        return report
    }

    private static func time(_ seconds: UInt64) -> String {
        Output.time(WallTime(seconds: seconds))
    }

    private static func text(_ report: Report, tickets: [TicketSummary]) -> String {
        let (mesh, own) = (report.mesh, report.certificate)
        let labels = own.labels.isEmpty ? "" : ", \(own.labels.joined(separator: " "))"
        var text = """
            Mesh '\(mesh.name)', fingerprint \(mesh.fingerprint), made \(time(mesh.created))
            Authority \(mesh.authority.prefix(16))…, its key \
            \(mesh.authority_key_here ? "in this directory" : "not here")
            Gate key epoch \(report.gate_key.epoch) by \(report.gate_key.issuer), \
            \(report.gate_key.superseded) superseded

            This node: \(own.name), \(own.id)
            Certificate \(own.serial) by \(own.issuer): \(own.roles.joined(separator: ", "))\(labels)
            From \(time(own.begins)) to \(time(own.ends)), renewed from \(time(own.renewed_from))

            """
        if let problem = own.problem { text += "NOT ACCEPTED: \(problem)\n" }
        if !report.issuers.isEmpty {
            text +=
                "\n"
                + Output.table(
                    ["ISSUER", "STATE", "UNTIL", "ID"],
                    report.issuers.map {
                        [
                            $0.name + ($0.this ? " (this)" : ""), $0.state, time($0.ends),
                            String($0.id.prefix(16)),
                        ]
                    })
        }
        if !report.certified.isEmpty {
            text +=
                "\n"
                + Output.table(
                    ["CERTIFIED HERE", "ROLES", "LABELS", "SERIAL", "UNTIL", "ID"],
                    report.certified.map {
                        [
                            $0.name, $0.roles.joined(separator: ","),
                            $0.labels.isEmpty ? "-" : $0.labels.joined(separator: ","), $0.serial,
                            time($0.ends), String($0.id.prefix(16)),
                        ]
                    })
        }
        if !report.revocations.isEmpty {
            text +=
                "\n"
                + Output.table(
                    ["REVOKED", "WHAT", "WHEN", "BY", "REASON"],
                    report.revocations.map {
                        [
                            $0.name ?? String($0.target.prefix(16)), $0.kind, time($0.at),
                            "\($0.by) #\($0.sequence)", $0.reason.isEmpty ? "-" : $0.reason,
                        ]
                    })
        }
        if !tickets.isEmpty { text += "\nOpen tickets:\n" + TicketReport.table(tickets) }
        return text
    }
}
