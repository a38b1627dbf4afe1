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
