import Foundation
import Node
import NodeAPI
import Trust
import Wire

/// The nodes of a mesh by name or id, as far as they are known at a node's directory: those that the
/// running node sees, those that this node certified, and the issuers.
struct NodeNames {
    struct Entry {
        var id: NodeID
        var name: String?
    }

    private var entries: [Entry] = []

    init(_ state: StateDirectory) async {
        if let running = StateDirectory.runningNode(at: state.path),
            DetachedProcess.isRunning(running),
            let data = try? await NodeClient(running).get("/shoal/v1/status", withinSeconds: 3),
            let status = try? JSONDecoder().decode(NodeStatus.self, from: data)
        {
            for member in status.members {
                add(NodeID(hex: member.id), member.name)
            }
        }
        for chain in state.issued() { add(chain.member.body.subject, chain.member.body.name) }
        for issuer in (try? state.trust())?.issuers ?? [] {
            add(issuer.body.subject, issuer.body.name)
        }
        if let own = try? state.certificate() {
            add(state.identity.nodeID, own.member.body.name)
        }
        for entry in state.peerMemory().entries { add(entry.node, nil) }
    }

    private mutating func add(_ id: NodeID?, _ name: String?) {
        guard let id else { return }
        // A member whose certificate is not known shows the beginning of its id as its name.
        let name = name == id.short ? nil : name
        if let index = entries.firstIndex(where: { $0.id == id }) {
            entries[index].name = entries[index].name ?? name
        } else {
            entries.append(Entry(id: id, name: name))
        }
    }

    /// A node's name, if it is known.
    func name(of id: NodeID) -> String? { entries.first { $0.id == id }?.name }

    /// Whether anything at the node's directory tells of it.
    func knows(_ id: NodeID) -> Bool { entries.contains { $0.id == id } }

    /// All nodes that are known, by name and the beginning of the id.
    var known: [String] {
        entries.map { entry in entry.name.map { "\($0) (\(entry.id.short))" } ?? entry.id.short }
            .sorted()
    }

    /// A node's name, or the beginning of its id.
    func text(of id: NodeID) -> String { name(of: id) ?? id.short }

    /// The node that `text` names: its name, its id, or a beginning of it that no other has.
    func node(_ text: String) throws -> NodeID {
        if let id = NodeID(hex: text) { return id }
        let named = entries.filter { $0.name == text }
        let digits = text.lowercased()
        let found =
            named.isEmpty && digits.utf8.count >= 4
            ? entries.filter { $0.id.hex.hasPrefix(digits) } : named
        guard let first = found.first else {
            throw CommandError(
                .usage,
                "no node '\(text)' is known here: write its name, its whole id, or at least four "
                    + "digits of it (`shoal status` shows who is there)")
        }
        guard found.count == 1 else {
            throw CommandError(
                .usage,
                "'\(text)' may mean \(found.count) nodes: write one's id. They are "
                    + found.prefix(4).map(\.id.hex).joined(separator: ", "))
        }
        return first.id
    }
}
