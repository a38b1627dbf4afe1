import ArgumentParser
import Foundation
import Node
import Trust
import Wire

struct MeshRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Put a node, a certificate or an issuer out of the mesh.",
        discussion: """
            NODE is a name, an id, or a beginning of an id; it is out for ever. --serial N puts out \
            one certificate, and its node may be given another. --issuer NODE takes from an issuer \
            the right to certify: every certificate that it issued is void, and its members join \
            anew elsewhere; that takes the authority's key.

            The statement is signed by this node as an issuer, else by the authority; the gate key \
            is rolled with it. A running node tells all members at once; one that is away learns it \
            before it serves anybody.

            What is revoked already stays so, and the gate key is not rolled again. An id or serial \
            that nothing at this node knows of is refused, unless --unknown says that it is meant; \
            so is what would put out this node itself, or leave the mesh without an issuer.
            """)

    @Argument(help: "The node: its name, its id, or the beginning of its id.") var node: String?
    @Option(help: "A certificate's serial, as `shoal mesh show` prints it.") var serial: String?
    @Option(help: ArgumentHelp("An issuer.", valueName: "node")) var issuer: String?
    @Option(help: "Why, for people: at most 64 bytes.") var reason = ""
    @Flag(help: "Also an id or a serial that is not known here.") var unknown = false
    @OptionGroup var directory: OpenDirectoryOption
    @OptionGroup var authority: AuthorityOption
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard [node, serial, issuer].compactMap({ $0 }).count == 1 else {
            throw ValidationError("Name one of: a node, --serial N, --issuer NODE.")
        }
    }

    private struct Report: Encodable {
        var kind: String
        var target: String
        var name: String?
        var signer: String
        var sequence: UInt64
        var gate_key_epoch: UInt64
        /// Whether it was revoked before, so that nothing was changed.
        var already: Bool
    }

    func run() async throws {
        let state = try directory.open()
        let names = await NodeNames(state)
        let (target, kind, name) = try target(in: state, names)
        try refuseHarm(of: target, in: state)
        let revoked = try state.revoke(
            target, reason: reason, authority: try authority.key(directory.keys),
            keys: directory.keys.protection(), now: NodeRuntime.wallTime())
        let revocation = revoked.revocation
        if json {
            return try Output.json(
                Report(
                    kind: kind, target: Self.text(target), name: name,
                    signer: revocation.signer.hex, sequence: revocation.sequence,
                    gate_key_epoch: revoked.gateKey.counter, already: revoked.isOld))
        }
        guard !revoked.isOld else {
            let why = revocation.reason.isEmpty ? "" : " (\(revocation.reason))"
            return Output.write(
                "The \(kind) \(name ?? Self.text(target)) was revoked already, by "
                    + "\(names.text(of: revocation.signer)), \(Output.time(revocation.issuedAt))"
                    + "\(why). Nothing was changed; `shoal mesh rotate` rolls the gate key.\n")
        }
        Output.write(
            "Revoked the \(kind) \(name ?? Self.text(target)); the gate key is at epoch "
                + "\(revoked.gateKey.counter).\n")
        if case .member(let node) = target,
            try state.trust().issuers.contains(where: { $0.body.subject == node })
        {
            Output.note(
                "It was an issuer: what it issued stays valid until `shoal mesh revoke --issuer "
                    + "\(name ?? node.hex)`, which takes the authority's key.")
        }
        let running = StateDirectory.runningNode(at: state.path)
        Output.note(
            running.map(DetachedProcess.isRunning) == true
                ? "The running node tells the others now."
                : "No node runs here: the others hear of it when it starts.")
    }

    private func target(
        in state: StateDirectory, _ names: NodeNames
    ) throws -> (Revocation.Target, kind: String, name: String?) {
        let trust = try state.trust()
        if let serial {
            guard let number = UInt64(serial, radix: 16) else {
                throw CommandError(
                    .usage, "'\(serial)' is not a serial, such as `shoal mesh show` prints")
            }
            let target = Revocation.Target.certificate(serial: number)
            let certificates = try state.certificatesKnown()
            let name = certificates.first { $0.body.serial == number }?.body.name
            guard name != nil || unknown || trust.revocation(of: target) != nil else {
                throw CommandError(
                    .usage,
                    "no certificate known here has the serial \(serial). Known are "
                        + Self.list(
                            certificates.map {
                                "\(String($0.body.serial, radix: 16)) (\($0.body.name))"
                            }) + ". One that another issuer made takes --unknown")
            }
            return (target, "certificate", name.map { "\(serial) of \($0)" })
        }
        let id = try names.node(node ?? issuer ?? "")
        if issuer != nil {
            let last = trust.lastSequence(of: id)
            let target = Revocation.Target.issuer(id, honouredThrough: last)
            guard
                trust.issuers.contains(where: { $0.body.subject == id })
                    || trust.revocation(of: target) != nil
            else {
                throw CommandError(
                    .usage, "\(names.text(of: id)) is no issuer: see `shoal mesh show`")
            }
            return (target, "issuer", names.name(of: id))
        }
        let target = Revocation.Target.member(id)
        guard names.knows(id) || unknown || trust.revocation(of: target) != nil else {
            throw CommandError(
                .usage,
                "no node with the id \(id.hex) is known here. Known are "
                    + Self.list(names.known) + ". If it is meant all the same: --unknown")
        }
        return (target, "node", names.name(of: id))
    }

    private static func list(_ texts: [String]) -> String {
        texts.prefix(8).joined(separator: ", ")
            + (texts.count > 8 ? " and \(texts.count - 8) more" : "")
    }

    private func refuseHarm(of target: Revocation.Target, in state: StateDirectory) throws {
        switch try state.harm(of: target, now: NodeRuntime.wallTime()) {
        case nil: break
        case .endsThisNode?:
            throw CommandError(
                .usage,
                issuer == nil
                    ? "that is this node itself, which would stop serving: do it at another issuer"
                    : "that would void this node's own certificate, and it would stop serving: do "
                        + "it at a node that another issuer certified (`shoal mesh certify NODE "
                        + "--issuer` makes one)")
        case .leavesNoIssuer?:
            throw CommandError(
                .usage,
                "no issuer would be left: nobody could let others in, and certificates end after "
                    + "seven days. Certify another first: `shoal mesh certify NODE --issuer`")
        }
    }

    private static func text(_ target: Revocation.Target) -> String {
        switch target {
        case .member(let node), .issuer(let node, _): node.hex
        case .certificate(let serial): String(serial, radix: 16)
        }
    }
}
