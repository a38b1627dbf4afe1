/// The aliases of a configuration, checked: under which of them a model is announced, and where on
/// each one's ladder it stands.
///
/// They are announced and no more: a request for an alias is not routed by its ladder yet.
public struct Ladders: Sendable, Equatable {
    /// A place on a ladder.
    public struct Rung: Sendable, Equatable {
        /// The ladder's alias.
        public var alias: String
        /// 0 is the best.
        public var rung: UInt8

        /// A place as given.
        public init(_ alias: String, _ rung: UInt8) {
            self.alias = alias
            self.rung = rung
        }
    }

    private var byModel: [String: [Rung]] = [:]

    /// Checks aliases and their models, best first.
    public init(_ aliases: [String: [String]]) throws(StateError) {
        for (alias, models) in aliases.sorted(by: { $0.key < $1.key }) {
            guard (1...NodeLimits.aliasBytesMax).contains(alias.utf8.count) else {
                throw .invalid(
                    "'\(alias)' is no name for an alias: it has 1 to "
                        + "\(NodeLimits.aliasBytesMax) bytes")
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
                byModel[model, default: []].append(Rung(alias, UInt8(index)))
            }
        }
        for (model, rungs) in byModel where rungs.count > NodeLimits.modelAliasesMax {
            throw .invalid(
                "the model '\(model)' is under \(rungs.count) aliases; at most "
                    + "\(NodeLimits.modelAliasesMax) can be announced")
        }
    }

    /// Where a model stands, by the names of the aliases.
    public func rungs(of model: String) -> [Rung] { byModel[model] ?? [] }
}

extension NodeConfiguration {
    /// The aliases, checked.
    public func ladders() throws(StateError) -> Ladders { try Ladders(aliases) }
}
