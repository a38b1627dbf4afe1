import Foundation
public import MeshTransport
import NodeAPI
public import Wire

/// What `shoal node run` reads from `config.json` of its directory. Flags and the environment
/// override it.
public struct NodeConfiguration: Codable, Sendable, Equatable {
    /// The port of links and datagrams when none is given.
    public static let defaultPeerPort: UInt16 = 7433
    /// The port of the HTTP interface when none is given.
    public static let defaultHTTPPort: UInt16 = 7434

    /// Where links and datagrams are received: an IP address of this machine, or `0.0.0.0`.
    public var peerHost = "0.0.0.0"
    /// Their port; 0 for any free one.
    public var peerPort = NodeConfiguration.defaultPeerPort
    /// Where HTTP is served. Anyone who reaches it can ask, so it is loopback unless changed.
    public var httpHost = "127.0.0.1"
    /// Its port; 0 for any free one.
    public var httpPort = NodeConfiguration.defaultHTTPPort
    /// Pages that may ask over HTTP though they come from elsewhere, as `https://HOST:PORT`; their
    /// hosts may also be what this node is called by.
    public var httpOrigins: [String] = []
    /// Model files, as paths or `NAME=PATH`.
    public var models: [String] = []
    /// Where others reach this node, as `HOST:PORT`; empty for the addresses of this machine.
    public var addresses: [String] = []
    /// Where members are looked for, as `HOST:PORT`: any member that answers will do. A name is
    /// resolved each time.
    public var seeds: [String] = []
    /// Whether this node only dials out: it listens for no peer.
    public var dialOutOnly = false
    /// How many links between others this node carries at once, for members that can't reach each
    /// other; 0 for none.
    public var relayedLinks = MeshTransportLimits.relayedStreamsMax
    /// The most memory that all models together may take, with their keys and values, in MiB; nil
    /// for what is available at the start. The least recently used model leaves it first.
    public var memoryMiB: Int?
    /// Threads that share a forward pass; nil for one per processor.
    public var threads: Int?
    /// What is made to go wrong on purpose, to try the mesh: see ``TransportFault``.
    public var faults: [String] = []
    /// For each alias the models that it stands for, best first. Those that this node serves are
    /// announced with their rung of the ladder, and no more: requests are not routed by alias yet.
    public var aliases: [String: [String]] = [:]
    /// What keeps sizes and times of what passes between nodes from telling its words.
    public var privacy = Privacy()

    /// What keeps sizes and times from telling words.
    public struct Privacy: Codable, Sendable, Equatable {
        /// Whether records with requests and answers are padded to a multiple of
        /// `LinkLimits.paddingBytes`.
        public var padding = true
        /// For how many milliseconds an executor gathers tokens before it sends them on; 0 sends
        /// each at once.
        public var batchMilliseconds = 20

        /// The defaults.
        public init() {}

        /// Reads what is there; what is not keeps its default.
        public init(from decoder: any Decoder) throws {
            let names = try decoder.container(keyedBy: AnyKey.self)
            let known = ["padding", "batchMilliseconds"]
            for key in names.allKeys where !known.contains(key.stringValue) {
                throw DecodingError.dataCorrupted(
                    DecodingError.Context(
                        codingPath: [AnyKey("privacy"), key],
                        debugDescription: "unknown setting '\(key.stringValue)'; there are: "
                            + known.joined(separator: ", ")))
            }
            let values = try decoder.container(keyedBy: CodingKeys.self)
            padding = try values.decodeIfPresent(Bool.self, forKey: .padding) ?? padding
            if let number = try values.decodeIfPresent(Double.self, forKey: .batchMilliseconds) {
                guard let count = Int(exactly: number),
                    0...NodeLimits.batchMillisecondsMax ~= count
                else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .batchMilliseconds, in: values,
                        debugDescription: "it is from 0 to \(NodeLimits.batchMillisecondsMax)")
                }
                batchMilliseconds = count
            }
        }

        private enum CodingKeys: String, CodingKey {
            case padding
            case batchMilliseconds
        }
    }

    /// The defaults.
    public init() {}

    /// Reads what is there; what is not keeps its default. An unknown key is an error: it would
    /// be a setting that silently does nothing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        let known = Set(CodingKeys.allCases.map(\.rawValue))
        for key in container.allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: [key],
                    debugDescription: "unknown setting '\(key.stringValue)'; there are: "
                        + known.sorted().joined(separator: ", ")))
        }
        let values = try decoder.container(keyedBy: CodingKeys.self)
        peerHost = try values.decodeIfPresent(String.self, forKey: .peerHost) ?? peerHost
        peerPort = try Self.port(values, .peerPort) ?? peerPort
        httpHost = try values.decodeIfPresent(String.self, forKey: .httpHost) ?? httpHost
        httpPort = try Self.port(values, .httpPort) ?? httpPort
        httpOrigins =
            try values.decodeIfPresent([String].self, forKey: .httpOrigins) ?? httpOrigins
        models = try values.decodeIfPresent([String].self, forKey: .models) ?? models
        addresses = try values.decodeIfPresent([String].self, forKey: .addresses) ?? addresses
        seeds = try values.decodeIfPresent([String].self, forKey: .seeds) ?? seeds
        dialOutOnly = try values.decodeIfPresent(Bool.self, forKey: .dialOutOnly) ?? dialOutOnly
        relayedLinks =
            try Self.count(values, .relayedLinks, 0...NodeLimits.relayedLinksMax) ?? relayedLinks
        memoryMiB = try Self.count(values, .memoryMiB, 1...NodeLimits.memoryMiBMax)
        threads = try Self.count(values, .threads, 1...NodeLimits.threadsMax)
        faults = try values.decodeIfPresent([String].self, forKey: .faults) ?? faults
        aliases = try values.decodeIfPresent([String: [String]].self, forKey: .aliases) ?? aliases
        privacy = try values.decodeIfPresent(Privacy.self, forKey: .privacy) ?? privacy
    }

    /// Reads a port as a number of any size first: the decoder's own error for one that does not
    /// fit names neither the field nor the reason.
    private static func port(
        _ values: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys
    ) throws -> UInt16? {
        guard let number = try values.decodeIfPresent(Double.self, forKey: key) else { return nil }
        guard let port = UInt16(exactly: number) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: values, debugDescription: "a port is from 0 to 65535")
        }
        return port
    }

    /// Reads a whole number within a range.
    private static func count(
        _ values: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys, _ range: ClosedRange<Int>
    ) throws -> Int? {
        guard let number = try values.decodeIfPresent(Double.self, forKey: key) else { return nil }
        guard let count = Int(exactly: number), range.contains(count) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: values,
                debugDescription: "it is from \(range.lowerBound) to \(range.upperBound)")
        }
        return count
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case peerHost
        case peerPort
        case httpHost
        case httpPort
        case httpOrigins
        case models
        case addresses
        case seeds
        case dialOutOnly
        case relayedLinks
        case memoryMiB
        case threads
        case faults
        case aliases
        case privacy
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init(_ name: String) { stringValue = name }
        init?(intValue: Int) { nil }
    }

    /// Applies `SHOAL_PEER_HOST`, `SHOAL_PEER_PORT`, `SHOAL_HTTP_HOST`, `SHOAL_HTTP_PORT`,
    /// `SHOAL_MODELS` (separated by colons), `SHOAL_ADDRESSES` and `SHOAL_SEEDS` (by commas),
    /// `SHOAL_DIAL_OUT_ONLY` (1 or 0), `SHOAL_MEMORY_MIB`, `SHOAL_THREADS` and `SHOAL_FAULTS` (by
    /// commas).
    public mutating func apply(environment: [String: String]) throws(StateError) {
        func port(_ name: String) throws(StateError) -> UInt16? {
            guard let text = environment[name] else { return nil }
            guard let value = UInt16(text) else {
                throw .invalid("\(name) is '\(text)', not a port from 0 to 65535")
            }
            return value
        }
        peerHost = environment["SHOAL_PEER_HOST"] ?? peerHost
        peerPort = try port("SHOAL_PEER_PORT") ?? peerPort
        httpHost = environment["SHOAL_HTTP_HOST"] ?? httpHost
        httpPort = try port("SHOAL_HTTP_PORT") ?? httpPort
        if let text = environment["SHOAL_MODELS"] {
            models = text.split(separator: ":").map(String.init)
        }
        if let text = environment["SHOAL_ADDRESSES"] {
            addresses = text.split(separator: ",").map(String.init)
        }
        if let text = environment["SHOAL_SEEDS"] {
            seeds = text.split(separator: ",").map(String.init)
        }
        func count(_ name: String, _ range: ClosedRange<Int>) throws(StateError) -> Int? {
            guard let text = environment[name] else { return nil }
            guard let value = Int(text), range.contains(value) else {
                throw .invalid(
                    "\(name) is '\(text)', not from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
        memoryMiB = try count("SHOAL_MEMORY_MIB", 1...NodeLimits.memoryMiBMax) ?? memoryMiB
        threads = try count("SHOAL_THREADS", 1...NodeLimits.threadsMax) ?? threads
        if let text = environment["SHOAL_FAULTS"] {
            faults = text.split(separator: ",").map(String.init)
        }
        if let text = environment["SHOAL_DIAL_OUT_ONLY"] {
            guard ["0", "1"].contains(text) else {
                throw .invalid("SHOAL_DIAL_OUT_ONLY is '\(text)', not 0 or 1")
            }
            dialOutOnly = text == "1"
        }
    }

    /// Refuses one port for peers and for HTTP: whichever listens second would fail.
    public func checkPorts() throws(StateError) {
        guard peerPort == httpPort, peerPort != 0, !dialOutOnly else { return }
        let everywhere = ["0.0.0.0", "::"]
        // Two addresses of a machine each have all ports.
        guard
            peerHost == httpHost || everywhere.contains(peerHost) || everywhere.contains(httpHost)
        else { return }
        throw .invalid(
            "port \(peerPort) cannot be both for peers and for HTTP: choose another by --peer-port "
                + "or --http-port, or in config.json")
    }

    /// The addresses given, parsed.
    func parsedAddresses() throws(StateError) -> [NetworkAddress] { try Self.parsed(addresses) }

    /// The seeds, parsed.
    func parsedSeeds() throws(StateError) -> [NetworkAddress] {
        guard seeds.count <= DiscoveryLimits.seedsMax else {
            throw .invalid("a node has at most \(DiscoveryLimits.seedsMax) seeds")
        }
        return try Self.parsed(seeds)
    }

    /// The pages that may ask, parsed.
    func parsedOrigins() throws(StateError) -> Set<HTTPOrigin> {
        guard httpOrigins.count <= NodeAPILimits.originsMax else {
            throw .invalid("httpOrigins has more than \(NodeAPILimits.originsMax) entries")
        }
        var parsed: Set<HTTPOrigin> = []
        for text in httpOrigins {
            guard let origin = HTTPOrigin(text) else {
                throw .invalid(
                    "'\(text)' under httpOrigins is no origin: write https://HOST or "
                        + "http://HOST:PORT, without a path")
            }
            parsed.insert(origin)
        }
        return parsed
    }

    private static func parsed(_ texts: [String]) throws(StateError) -> [NetworkAddress] {
        var parsed: [NetworkAddress] = []
        for text in texts {
            guard let address = NetworkAddress(text) else {
                throw .invalid("'\(text)' is not an address: write HOST:PORT")
            }
            parsed.append(address)
        }
        return parsed
    }

    /// The faults given, parsed.
    public func parsedFaults() throws(StateError) -> [TransportFault] {
        var parsed: [TransportFault] = []
        for text in faults {
            guard let fault = TransportFault(text) else {
                throw .invalid("'\(text)' is not a fault: write \(TransportFault.usage)")
            }
            parsed.append(fault)
        }
        return parsed
    }
}
