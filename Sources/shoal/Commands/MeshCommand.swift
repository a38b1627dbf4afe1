import ArgumentParser
import Foundation
import GGUF
import Node
import Trust
import Wire

struct MeshCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mesh", abstract: "Make a mesh, and say who belongs to it.",
        subcommands: [
            MeshInitCommand.self, MeshShowCommand.self, MeshCertifyCommand.self,
            MeshRevokeCommand.self, MeshRotateCommand.self,
        ])
}

/// Settings that `mesh init` and `join` write into `config.json`.
struct NewNodeOptions: ParsableArguments {
    @Option(help: "The node's name (default: this machine's).") var nodeName: String?
    @Option(help: "Where peers connect: an IP address of this machine, 0.0.0.0 for all.")
    var peerHost: String?
    @Option(help: "The port for peers (default: the first free one from 7433).")
    var peerPort: UInt16?
    @Option(help: "The port for HTTP, on loopback (default: the first free one from 7434).")
    var httpPort: UInt16?
    @Option(help: "A model file to serve, or NAME=FILE. May be repeated.") var model: [String] = []
    @Option(help: "An address by which others reach this node, as HOST:PORT. May be repeated.")
    var address: [String] = []
    @Option(
        help: ArgumentHelp(
            "Where to look for members; any that answers will do. May be repeated.",
            valueName: "host:port"))
    var seed: [String] = []
    @Flag(help: "Listen for no peer; only dial out.") var dialOutOnly = false

    func validate() throws {
        for text in seed + address where NetworkAddress(text) == nil {
            throw ValidationError("'\(text)' is not an address: write HOST:PORT.")
        }
    }

    var name: String {
        if let nodeName { return nodeName }
        let host = ProcessInfo.processInfo.hostName.split(separator: ".").first.map(String.init)
        let cleaned = (host ?? "node").filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")
        }
        return cleaned.isEmpty ? "node" : String(cleaned.prefix(TrustLimits.nodeNameBytesMax))
    }

    /// Whether an option says something that `config.json` would hold.
    private var saysSomething: Bool {
        peerHost != nil || peerPort != nil || httpPort != nil || dialOutOnly
            || !(model.isEmpty && address.isEmpty && seed.isEmpty)
    }

    /// What to write as `config.json` of a new node; nil where one was put there beforehand, which
    /// is kept. Nothing is written yet, and nobody was asked.
    ///
    /// - Throws: ``CommandError`` where the options contradict that file, a model's file is none, or
    ///   a port is named twice.
    func configuration(at path: String) throws -> NodeConfiguration? {
        let prepared = try StateDirectory.preparedConfiguration(at: path)
        guard prepared == nil || !saysSomething else {
            throw CommandError(
                .usage,
                "\(path)/config.json is there already, and options would replace it: write what "
                    + "they say into it, or move it away")
        }
        let configuration = prepared ?? chosen(at: path)
        try configuration.checkPorts()
        for specification in configuration.models {
            // Only its header is read, which shows what it is.
            _ = try GGUFFile(path: ModelStore.split(specification).path)
        }
        if prepared != nil { Output.note("\(path)/config.json is kept as it is.") }
        return prepared == nil ? configuration : nil
    }

    /// Ports that are not given are chosen so that several nodes can live on one machine, also while
    /// none of them runs.
    private func chosen(at path: String) -> NodeConfiguration {
        var configuration = NodeConfiguration()
        configuration.peerHost = peerHost ?? configuration.peerHost
        var taken = NodeConfiguration.portsChosen(beside: path)
        taken.formUnion([peerPort, httpPort].compactMap { $0 })
        let peer =
            peerPort
            ?? FreePorts.find(
                count: 1, from: NodeConfiguration.defaultPeerPort, host: configuration.peerHost,
                except: taken
            ).first
        configuration.peerPort = peer ?? NodeConfiguration.defaultPeerPort
        taken.insert(configuration.peerPort)
        let http =
            httpPort
            ?? FreePorts.find(count: 1, from: NodeConfiguration.defaultHTTPPort, except: taken)
            .first
        configuration.httpPort = http ?? NodeConfiguration.defaultHTTPPort
        configuration.models = model.map { specification in
            let (path, name) = ModelStore.split(specification)
            let absolute = Paths.absolute(path)
            return path == specification ? absolute : "\(name)=\(absolute)"
        }
        configuration.addresses = address
        configuration.seeds = seed
        configuration.dialOutOnly = dialOutOnly
        return configuration
    }
}

/// What `mesh init` and `join` print.
private struct NewNodeReport: Encodable {
    var directory: String
    var mesh: String
    var fingerprint: String
    var node: String
    var id: String
    var peer_port: UInt16
    var http_port: UInt16
}

extension StateDirectory {
    /// - Parameters:
    ///   - keys: How the node's keys are sealed, which its start has to know too.
    ///   - authority: The file to which the mesh's authority's key went, if not into the directory.
    func reportNewNode(
        _ verb: String, name: String, keys: KeyOption, authority: String? = nil, json: Bool
    ) throws {
        let configuration = try configuration()
        let report = NewNodeReport(
            directory: path, mesh: genesis.name, fingerprint: genesis.fingerprint, node: name,
            id: identity.nodeID.hex, peer_port: configuration.peerPort,
            http_port: configuration.httpPort)
        if json { return try Output.json(report) }
        var next = "shoal node run"
        if !path.hasSuffix("/.shoal") { next += " --dir \(path)" }
        if let file = keys.keyPassphraseFile { next += " --key-passphrase-file \(file)" }
        if let authority {
            Output.write(
                "The authority's key: \(authority). Keep it, off this machine: with it issuers are "
                    + "certified and revoked, and whoever has it can let anybody in.\n")
        }
        Output.write(
            """
            \(verb) the mesh '\(report.mesh)', fingerprint \(report.fingerprint), as \(name).
            Directory: \(report.directory)
            Ports: \(report.peer_port) for peers, \(report.http_port) for HTTP on loopback.
            Next: \(next)

            """)
    }
}

struct MeshInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a new mesh, with this node as its first member.",
        discussion: """
            Writes the node's directory: the mesh's authority key, which certifies issuers; the gate \
            key, without which nobody outside can even begin a handshake; this node's identity, \
            which is the mesh's first issuer; and config.json.

            With --offline-authority the authority's key goes to a file of its own, on a stick \
            perhaps, that no node needs from day to day: only to certify or revoke an issuer. \
            Whoever has it can let anybody in; when it is lost, no further issuer can be made.
            """)

    @OptionGroup var directory: DirectoryOption
    @OptionGroup var node: NewNodeOptions
    @Option(help: "The mesh's name.") var name = "mesh"
    @Option(help: "A label of this node's certificate, as KEY=VALUE. May be repeated.")
    var label: [String] = []
    @Option(
        help: ArgumentHelp(
            "A new file for the authority's key, outside the directory.", valueName: "path"))
    var offlineAuthority: String?
    @OptionGroup var keys: KeyOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try StateDirectory.refuseExisting(at: directory.path, ticket: nil)
        if let authority = offlineAuthority.map(Paths.absolute) {
            for left in AuthorityKey.leftovers(beside: authority) {
                Output.note(
                    "\(left) is left from an init that was interrupted, and may hold the key of a "
                        + "mesh that was never made: remove it.")
            }
        }
        let state = try StateDirectory.create(
            at: directory.path, meshName: name, nodeName: node.name,
            labels: try label.map { try Label($0) },
            authorityFile: offlineAuthority.map(Paths.absolute), keys: try keys.protection(),
            configuration: try node.configuration(at: directory.path), now: NodeRuntime.wallTime())
        try state.reportNewNode(
            "Made", name: node.name, keys: keys, authority: offlineAuthority.map(Paths.absolute),
            json: json)
    }
}
