import Wire

/// The one-line form of faults, as the command line takes them and replay commands print them:
///
///     SECONDS:crash:NODE        SECONDS:partition:NODES        SECONDS:pause:NODE:SECONDS
///     SECONDS:lose:NODE         SECONDS:split:NODES/NODES/…    SECONDS:suspend:NODE:SECONDS
///     SECONDS:restart:NODE      SECONDS:cut:NODES/NODES        SECONDS:slow:NODE:EACH:SECONDS
///     SECONDS:restart:NODE@NODE SECONDS:clog:NODES/NODES:SECONDS
///     SECONDS:leave:NODE        SECONDS:mtu:NODES:BYTES        SECONDS:clock:NODE:SECONDS
///     SECONDS:restart-all:SECONDS  SECONDS:block:NODES         SECONDS:rotate:NODE
///     SECONDS:lose-seeds        SECONDS:heal                   SECONDS:update:NODE
///
/// `cut` has the variants `cut-one-way`, `cut-datagrams` and `cut-datagrams-one-way`. Nodes are
/// listed as in `0-3,7`.
extension MembershipSimulation.Fault: LosslessStringConvertible {
    /// One of each kind.
    public static let examples = [
        "30:crash:7", "30:lose:7", "40:restart:7", "40:restart:7@3", "60:restart-all:5",
        "60:lose-seeds", "60:leave:2", "60:pause:3:2.5", "60:suspend:3:40", "60:slow:3:0.5:20",
        "60:clock:3:-3600", "60:rotate:3", "60:partition:0-3,7", "60:split:0-1/2-3",
        "60:cut:1/2-3", "60:cut-one-way:1/2-3", "60:cut-datagrams:1/2-3",
        "60:cut-datagrams-one-way:1/2-3", "60:clog:1/2-3:5", "60:mtu:1:500", "60:block:1",
        "90:heal", "60:update:1",
    ]

    /// The one-line form.
    public var description: String {
        let words: [String] =
            switch kind {
            case .crash(let node): ["crash", "\(node)"]
            case .lose(let node): ["lose", "\(node)"]
            case .restart(let node): ["restart", "\(node)"]
            case .restartElsewhere(let node, let other): ["restart", "\(node)@\(other)"]
            case .restartAll(let after): ["restart-all", after.decimalSeconds]
            case .loseSeeds: ["lose-seeds"]
            case .leave(let node): ["leave", "\(node)"]
            case .pause(let node, let length): ["pause", "\(node)", length.decimalSeconds]
            case .suspend(let node, let length): ["suspend", "\(node)", length.decimalSeconds]
            case .slow(let node, let each, let length):
                ["slow", "\(node)", each.decimalSeconds, length.decimalSeconds]
            case .stepClock(let node, let seconds): ["clock", "\(node)", "\(seconds)"]
            case .rotateKey(let node): ["rotate", "\(node)"]
            case .partition(let group): ["partition", Self.list(group)]
            case .split(let groups): ["split", groups.map(Self.list).joined(separator: "/")]
            case .cut(let cut):
                [
                    "cut" + (cut.isDatagramsOnly ? "-datagrams" : "")
                        + (cut.isBothWays ? "" : "-one-way"),
                    "\(Self.list(cut.from))/\(Self.list(cut.to))",
                ]
            case .clog(let from, let to, let length):
                ["clog", "\(Self.list(from))/\(Self.list(to))", length.decimalSeconds]
            case .shrink(let group, let mtu): ["mtu", Self.list(group), "\(mtu)"]
            case .block(let group): ["block", Self.list(group)]
            case .heal: ["heal"]
            case .update(let node): ["update", "\(node)"]
            }
        return ([at.decimalSeconds] + words).joined(separator: ":")
    }

    /// A fault from its one-line form; nil when it is none.
    public init?(_ text: String) {
        let words = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard words.count >= 2, let at = Duration(decimalSeconds: words[0]) else { return nil }
        let arguments = Array(words.dropFirst(2))
        guard let kind = Self.kind(words[1], arguments) else { return nil }
        self.init(at: at, kind)
    }

    private static func kind(_ name: String, _ words: [String]) -> Kind? {
        switch (name, words.count) {
        case ("heal", 0): return .heal
        case ("lose-seeds", 0): return .loseSeeds
        case ("restart-all", 1): return Duration(decimalSeconds: words[0]).map(Kind.restartAll)
        case ("partition", 1): return nodes(words[0]).map(Kind.partition)
        case ("block", 1): return nodes(words[0]).map(Kind.block)
        case ("split", 1): return groups(words[0]).map(Kind.split)
        case ("cut", 1), ("cut-one-way", 1), ("cut-datagrams", 1), ("cut-datagrams-one-way", 1):
            guard let ends = groups(words[0]), ends.count == 2 else { return nil }
            return .cut(
                Cut(
                    from: ends[0], to: ends[1], isBothWays: !name.hasSuffix("-one-way"),
                    isDatagramsOnly: name.hasPrefix("cut-datagrams")))
        case ("clog", 2):
            guard let ends = groups(words[0]), ends.count == 2,
                let length = Duration(decimalSeconds: words[1])
            else { return nil }
            return .clog(from: ends[0], to: ends[1], length)
        case ("mtu", 2):
            guard let group = nodes(words[0]), let mtu = Int(words[1]) else { return nil }
            return .shrink(group, mtu: mtu)
        case ("restart", 1) where words[0].contains("@"):
            let ends = words[0].split(separator: "@", omittingEmptySubsequences: false)
            guard ends.count == 2, let node = Int(ends[0]), let other = Int(ends[1]) else {
                return nil
            }
            return .restartElsewhere(node, at: other)
        default:
            guard let first = words.first, let node = Int(first) else { return nil }
            return kind(name, of: node, Array(words.dropFirst()))
        }
    }

    private static func kind(_ name: String, of node: Int, _ words: [String]) -> Kind? {
        let lengths = words.compactMap { Duration(decimalSeconds: $0) }
        switch (name, words.count) {
        case ("crash", 0): return .crash(node)
        case ("lose", 0): return .lose(node)
        case ("restart", 0): return .restart(node)
        case ("leave", 0): return .leave(node)
        case ("rotate", 0): return .rotateKey(node)
        case ("update", 0): return .update(node)
        case ("clock", 1): return Int(words[0]).map { .stepClock(node, seconds: $0) }
        case ("pause", 1): return lengths.first.map { .pause(node, $0) }
        case ("suspend", 1): return lengths.first.map { .suspend(node, $0) }
        case ("slow", 2):
            return lengths.count == 2 ? .slow(node, each: lengths[0], lengths[1]) : nil
        default: return nil
        }
    }

    /// Nodes as in `0-3,7`, in the order given.
    private static func list(_ nodes: [Int]) -> String {
        var parts: [String] = []
        var index = 0
        while index < nodes.count {
            var last = index
            while last + 1 < nodes.count, nodes[last + 1] == nodes[last] + 1 { last += 1 }
            parts.append(last > index ? "\(nodes[index])-\(nodes[last])" : "\(nodes[index])")
            index = last + 1
        }
        return parts.joined(separator: ",")
    }

    private static func nodes(_ text: String) -> [Int]? {
        guard !text.isEmpty else { return [] }
        var nodes: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2,
                first >= 0, last >= first, last - first < SimulationLimits.nodesMax
            else { return nil }
            nodes += Array(first...last)
        }
        return nodes
    }

    private static func groups(_ text: String) -> [[Int]]? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let groups = parts.compactMap { nodes(String($0)) }
        return groups.count == parts.count ? groups : nil
    }
}

extension Duration {
    /// Seconds as a decimal number with up to nine places: exact, where a floating-point number
    /// may not be.
    public var decimalSeconds: String { Self.decimal(nanoseconds) }

    /// A number of billionths as a decimal number.
    static func decimal(_ billionths: Int64) -> String {
        let (whole, rest) = billionths.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        var text = (billionths < 0 ? "-" : "") + "\(whole)"
        guard rest > 0 else { return text }
        let digits = String(rest)
        text += "." + String(repeating: "0", count: 9 - digits.count) + digits
        while text.last == "0" { text.removeLast() }
        return text
    }

    /// A duration from a decimal number of seconds with at most nine places, below 10⁹; nil for
    /// anything else.
    public init?(decimalSeconds text: String) {
        let isNegative = text.hasPrefix("-")
        let parts = text.dropFirst(isNegative ? 1 : 0)
            .split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...9).contains(parts[0].utf8.count),
            parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let whole = Int64(parts[0])
        else { return nil }
        var rest: Int64 = 0
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...9).contains(digits.utf8.count), let value = Int64(digits) else {
                return nil
            }
            rest = value
            for _ in digits.utf8.count..<9 { rest *= 10 }
        }
        let nanoseconds = whole * 1_000_000_000 + rest
        self = .nanoseconds(isNegative ? -nanoseconds : nanoseconds)
    }
}
