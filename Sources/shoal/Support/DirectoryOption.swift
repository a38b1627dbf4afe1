import ArgumentParser
import Foundation
import Node

/// Where a command finds the node's directory.
struct DirectoryOption: ParsableArguments {
    @Option(
        name: .customLong("dir"),
        help: ArgumentHelp(
            "The node's directory (default: $SHOAL_DIR, else .shoal here).", valueName: "path"))
    var directory: String?

    /// The directory as an absolute path.
    var path: String {
        let chosen = directory ?? ProcessInfo.processInfo.environment["SHOAL_DIR"] ?? ".shoal"
        return Paths.absolute(chosen)
    }

    /// Whether the directory was named, rather than guessed.
    var isExplicit: Bool {
        directory != nil || ProcessInfo.processInfo.environment["SHOAL_DIR"] != nil
    }
}

/// How a command opens the node's identity.
struct KeyOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The file with the passphrase of this node's keys (default: "
                + "$SHOAL_KEY_PASSPHRASE_FILE, else they have none).", valueName: "path"))
    var keyPassphraseFile: String?

    /// As the option or the environment says.
    func protection() throws -> KeyProtection {
        let file =
            keyPassphraseFile ?? ProcessInfo.processInfo.environment["SHOAL_KEY_PASSPHRASE_FILE"]
        return try file.map { try KeyProtection(passphraseFile: Paths.absolute($0)) } ?? .none
    }
}

/// A node's directory, opened.
struct OpenDirectoryOption: ParsableArguments {
    @OptionGroup var directory: DirectoryOption
    @OptionGroup var keys: KeyOption

    func open() throws -> StateDirectory {
        try StateDirectory.open(at: directory.path, keys: keys.protection())
    }
}

/// The authority's key, where it is not in the node's directory.
struct AuthorityOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The file with the authority's key (see `mesh init --offline-authority`).",
            valueName: "path"))
    var authority: String?

    func key(_ keys: KeyOption) throws -> AuthorityKey? {
        try authority.map {
            try AuthorityKey(file: Paths.absolute($0), keys.protection())
        }
    }
}

enum Paths {
    static func absolute(_ path: String) -> String {
        let expanded = NSString(string: path).expandingTildeInPath
        let full =
            expanded.hasPrefix("/")
            ? expanded : FileManager.default.currentDirectoryPath + "/" + expanded
        return URL(fileURLWithPath: full).standardizedFileURL.path
    }
}

/// How a command finds a running node to ask.
struct NodeOptions: ParsableArguments {
    @OptionGroup var directory: DirectoryOption

    @Option(
        name: .customLong("node"),
        help: ArgumentHelp("A node of the local testnet, such as node-2.", valueName: "name"))
    var node: String?

    @Option(help: "The URL of a node's HTTP interface, instead of a directory.")
    var url: String?

    /// The node to ask: the one named, else that of the directory, else the first running one of
    /// the local testnet. One of this machine is asked over its Unix socket, a URL as it says.
    func client() throws -> NodeClient { NodeClient(try endpoint()) }

    private func endpoint() throws -> NodeEndpoint {
        if let url {
            guard let parsed = URL(string: url), ["http", "https"].contains(parsed.scheme),
                parsed.host != nil
            else {
                throw CommandError(.usage, "'\(url)' is not a URL such as http://127.0.0.1:7434")
            }
            return NodeEndpoint(url: url.hasSuffix("/") ? String(url.dropLast()) : url)
        }
        let testnet = TestnetDirectory(path: Paths.absolute(TestnetDirectory.defaultPath))
        if let node {
            let networks =
                [testnet] + (directory.isExplicit ? [TestnetDirectory(path: directory.path)] : [])
            for network in networks.reversed() {
                guard let found = try network.load()?.nodes.first(where: { $0.name == node }) else {
                    continue
                }
                guard let running = StateDirectory.runningNode(at: found.directory),
                    DetachedProcess.isRunning(running)
                else { throw CommandError(.unavailable, "\(node) is not running") }
                return NodeEndpoint(running)
            }
            throw CommandError(
                .configuration,
                "there is no '\(node)' in a testnet here: see `shoal testnet status`")
        }
        if let running = StateDirectory.runningNode(at: directory.path),
            DetachedProcess.isRunning(running)
        {
            return NodeEndpoint(running)
        }
        if FileManager.default.fileExists(atPath: directory.path) || directory.isExplicit {
            throw CommandError(
                .unavailable,
                "no node is running in \(directory.path): start it with `shoal node run"
                    + (directory.isExplicit ? " --dir \(directory.path)`" : "`"))
        }
        for member in try testnet.load()?.nodes ?? [] {
            if let running = StateDirectory.runningNode(at: member.directory),
                DetachedProcess.isRunning(running)
            {
                return NodeEndpoint(running)
            }
        }
        throw CommandError(
            .unavailable,
            "no node is running here: try `shoal testnet up`, or name one by --dir or --url")
    }
}
