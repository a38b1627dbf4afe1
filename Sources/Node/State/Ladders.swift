public import Gossip

/// The aliases of a configuration, checked: under which of them a model is announced, and where on
/// each one's ladder it stands.
///
/// They are announced and no more: a request for an alias is not routed by its ladder yet.
public struct Ladders: Sendable, Equatable {
    private var byModel: [String: [ModelRung]] = [:]

    /// No aliases.
    public static let none = Ladders()

    private init() {}

    /// Checks aliases and their models, best first.
    public init(_ aliases: [String: [String]]) throws(StateError) {
        for (alias, models) in aliases.sorted(by: { $0.key < $1.key }) {
            guard (1...GossipLimits.aliasBytesMax).contains(alias.utf8.count) else {
                throw .invalid(
                    "'\(alias)' is no name for an alias: it has 1 to "
                        + "\(GossipLimits.aliasBytesMax) bytes")
            }
            guard !models.isEmpty, models.count <= NodeLimits.ladderRungsMax else {
                throw .invalid(
                    "the alias '\(alias)' names \(models.isEmpty ? "no model" : "too many models")"
                        + ": it has 1 to \(NodeLimits.ladderRungsMax)")
            }
            for (index, model) in models.enumerated() {
                guard models.firstIndex(of: model) == index else {
                    throw .invalid("the alias '\(alias)' names '\(model)' twice")
                }
                byModel[model, default: []].append(
                    ModelRung(alias: alias, rung: UInt8(index)))
            }
        }
        for (model, rungs) in byModel where rungs.count > GossipLimits.rungsMax {
            throw .invalid(
                "the model '\(model)' is under \(rungs.count) aliases; at most "
                    + "\(GossipLimits.rungsMax) can be announced")
        }
    }

    /// Where a model stands, by the names of the aliases.
    public func rungs(of model: String) -> [ModelRung] { byModel[model] ?? [] }
}

extension NodeConfiguration {
    /// The aliases, checked.
    public func ladders() throws(StateError) -> Ladders { try Ladders(aliases) }
}
