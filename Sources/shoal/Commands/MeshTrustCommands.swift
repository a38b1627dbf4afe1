import ArgumentParser
import Foundation
import Node
import Trust
import Wire

struct MeshCertifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certify",
        abstract: "Certify a node as an issuer, or anew with other roles and labels.",
        discussion: """
            Where the authority's key is:
              shoal mesh certify NODE --issuer > certificate
            and at that node, running or not:
              shoal mesh certify --install certificate

            NODE is a name, an id, or a beginning of an id. Without --issuer, NODE gets a \
            certificate with these roles and labels in place of those it has; an issuer can make it \
            too. What is printed is one line, and no secret: it is of use to that node alone.

            With --authority FILE no node's directory is needed; NODE is a whole id then, with --name.
            """)

    @Argument(help: "The node: its name, its id, or the beginning of its id.") var node: String?
    @OptionGroup var directory: OpenDirectoryOption
    @OptionGroup var authority: AuthorityOption
    @Flag(help: "Let the node certify others, for 400 days.") var issuer = false
    @Option(help: "The node's name in the certificate (default: as it is known).")
    var name: String?
    @Option(
        help: ArgumentHelp(
            "What the node may do. May be repeated; both unless given.",
            valueName: "server|client"))
    var role: [String] = []
    @Option(help: "A label, as KEY=VALUE. May be repeated.") var label: [String] = []
    @Option(help: ArgumentHelp("Write to a file instead.", valueName: "path")) var out: String?
    @Option(
        help: ArgumentHelp(
            "Install what was printed, from a file or - for standard input, at this node.",
            valueName: "path"))
    var install: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (node == nil) != (install == nil) else {
            throw ValidationError("Name a node to certify, or a file by --install.")
        }
        guard !issuer || label.isEmpty && role.isEmpty else {
            throw ValidationError("An issuer's certificate has no labels and no other roles.")
        }
    }

    private struct Report: Encodable {
        var certificate: String
        var node: String
        var name: String
        var kind: String
        var ends: UInt64
    }

    func run() async throws {
        if let install { return try self.install(from: install) }
        let key = try authority.key(directory.keys)
        let now = NodeRuntime.wallTime()
        let grant: Grant
        if let key, !directory.directory.isExplicit,
            !FileManager.default.fileExists(atPath: directory.directory.path)
        {
            grant = try self.grant(by: key, at: now)
        } else {
            grant = try await self.grant(by: key, in: try directory.open(), at: now)
        }
        guard let certificate = grant.issuer ?? grant.chain?.member else { return }
        let body = certificate.body
        if let out {
            guard
                FileManager.default.createFile(
                    atPath: Paths.absolute(out), contents: Data((grant.text + "\n").utf8))
            else { throw CommandError(.system, "\(out): cannot be written") }
        }
        if json {
            return try Output.json(
                Report(
                    certificate: grant.text, node: body.subject.hex, name: body.name,
                    kind: issuer ? "issuer" : "member", ends: body.notAfter.seconds))
        }
        if out == nil { Output.write(grant.text + "\n") }
        Output.note(
            "For \(body.name), until \(Output.time(body.notAfter)). There: shoal mesh certify "
                + "--install \(out ?? "FILE")")
    }

    /// With a node's directory.
    private func grant(
        by key: AuthorityKey?, in state: StateDirectory, at now: WallTime
    ) async throws -> Grant {
        let names = await NodeNames(state)
        let id = try names.node(node ?? "")
        guard let name = name ?? names.name(of: id) else {
            throw CommandError(.usage, "the node's name is not known here: give it by --name")
        }
        if issuer {
            return Grant(
                genesis: state.genesis,
                issuer: try state.issueIssuer(
                    to: id, name: name, authority: key, keys: directory.keys.protection(),
                    now: now))
        }
        return Grant(
            genesis: state.genesis,
            chain: try state.issue(
                to: id, name: name, labels: try label.map { try Label($0) },
                roles: try Roles(names: role), authority: key, now: now))
    }

    /// With the authority's key alone.
    private func grant(by key: AuthorityKey, at now: WallTime) throws -> Grant {
        guard let id = NodeID(hex: node ?? ""), let name else {
            throw CommandError(
                .usage, "without a node's directory, write the node's whole id, and --name NAME")
        }
        return issuer
            ? try key.certifyIssuer(id, name: name, now: now)
            : try key.certify(
                id, name: name, labels: try label.map { try Label($0) },
                roles: try Roles(names: role), now: now)
    }

    private func install(from file: String) throws {
        let data: Data
        if file == "-" {
            data = FileHandle.standardInput.readDataToEndOfFile()
        } else if let content = FileManager.default.contents(atPath: file) {
            data = content
        } else {
            throw CommandError(.noInput, "\(file): cannot be read")
        }
        let grant = try Grant(text: String(decoding: data.prefix(64 << 10), as: UTF8.self))
        let state = try directory.open()
        try state.install(grant, now: NodeRuntime.wallTime())
        let body = try state.certificate().member.body
        if json {
            return try Output.json(
                Report(
                    certificate: grant.text, node: body.subject.hex, name: body.name,
                    kind: grant.issuer == nil ? "member" : "issuer", ends: body.notAfter.seconds))
        }
        let roles = body.roles.names.joined(separator: ", ")
        let labels = body.labels.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        Output.write(
            "Installed: \(body.name) is \(roles)\(labels.isEmpty ? "" : ", \(labels)"). "
                + "A running node uses it within a second.\n")
    }
}

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

struct MeshRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Roll the gate key, so that the earlier one opens nothing any more.",
        discussion: """
            The running node and all others use the new key as soon as they hear of it. A node that \
            is away finds back by the earlier key, which opens the way to the new one for members \
            alone. A revocation rolls the key by itself.
            """)

    @OptionGroup var directory: OpenDirectoryOption
    @OptionGroup var authority: AuthorityOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let epoch = try directory.open().rollGateKey(
            authority: try authority.key(directory.keys), keys: directory.keys.protection(),
            now: NodeRuntime.wallTime())
        if json {
            return try Output.json(
                ["gate_key_epoch": "\(epoch.counter)", "issuer": epoch.issuer.hex])
        }
        Output.write("The gate key is at epoch \(epoch.counter).\n")
    }
}
