/// Something that is made to go wrong on purpose, so that a mesh's other ways can be tried on one
/// machine and without root.
public enum TransportFault: Sendable, Equatable {
    /// This share of the node's datagrams, in and out, is lost, as behind a firewall that blocks
    /// them all (1) or on a bad wire.
    case dropDatagrams(share: Double)

    /// Reads `drop-datagrams` or `drop-datagrams=SHARE`, where the share is above 0 and at most 1;
    /// nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.first == "drop-datagrams" else { return nil }
        guard parts.count == 2 else {
            self = .dropDatagrams(share: 1)
            return
        }
        guard let share = Double(parts[1]), share > 0, share <= 1 else { return nil }
        self = .dropDatagrams(share: share)
    }

    /// How faults are written, for messages.
    public static let usage = "drop-datagrams or drop-datagrams=SHARE, such as 0.25"
}

extension TransportFault: CustomStringConvertible {
    /// As it is written.
    public var description: String {
        switch self {
        case .dropDatagrams(1): "drop-datagrams"
        case .dropDatagrams(let share): "drop-datagrams=\(share)"
        }
    }

    /// What it does, for a log.
    public var explanation: String {
        switch self {
        case .dropDatagrams(1): "all datagrams of this node are lost, in and out"
        case .dropDatagrams(let share):
            "\(share) of this node's datagrams are lost, in and out"
        }
    }
}
