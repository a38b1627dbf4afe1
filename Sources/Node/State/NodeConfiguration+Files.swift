import Foundation
internal import MeshTransport
import NodeAPI
public import Wire

extension StateDirectory {
    /// The node's configuration, or the defaults when there is no file.
    public func configuration() throws(StateError) -> NodeConfiguration {
        try Self.configuration(files)
    }

    /// The same, of a directory that cannot be opened, perhaps.
    static func configuration(_ files: DirectoryFiles) throws(StateError) -> NodeConfiguration {
        guard files.exists("config.json") else { return NodeConfiguration() }
        let bytes = try files.read("config.json")
        do {
            // Where it is not JSON; the decoder says only that it is not.
            _ = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
        } catch {
            let reason = (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String
            throw .damaged(
                path: files.path("config.json"), reason: "it is not JSON: \(reason ?? "\(error)")")
        }
        do {
            return try JSONDecoder().decode(NodeConfiguration.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw .damaged(path: files.path("config.json"), reason: error.explanation)
        } catch {
            throw .damaged(path: files.path("config.json"), reason: "\(error)")
        }
    }

    /// The configuration that somebody put into a directory before a node is made there; nil where
    /// there is none, or where it is what an attempt left that did not come to its end.
    public static func preparedConfiguration(
        at path: String
    ) throws(StateError) -> NodeConfiguration? {
        let files = DirectoryFiles(root: path)
        guard files.exists("config.json"), !files.exists("VERSION") else { return nil }
        return try configuration(files)
    }

    /// Replaces the configuration file.
    public func save(_ configuration: NodeConfiguration) throws(StateError) {
        try Self.save(configuration, in: files)
    }

    static func save(
        _ configuration: NodeConfiguration, in files: DirectoryFiles
    ) throws(StateError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(configuration) else {
            throw .invalid("the configuration cannot be written as JSON")
        }
        try files.write(Array(data) + [UInt8(ascii: "\n")], to: "config.json")
    }
}

extension DecodingError {
    /// The error in one line, with where it is.
    var explanation: String {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .keyNotFound(_, let context), .dataCorrupted(let context):
            let place = context.codingPath.map(\.stringValue).joined(separator: ".")
            return place.isEmpty
                ? context.debugDescription : "\(place): \(context.debugDescription)"
        @unknown default: return "\(self)"
        }
    }
}

extension NodeConfiguration {
    /// The most directories beside a new one that are looked at.
    private static let neighboursMax = 256

    /// The ports of nodes whose directories are beside this one, whether they run or not: a node
    /// that is made there should not choose them again.
    public static func portsChosen(beside path: String) -> Set<UInt16> {
        let parts = path.split(separator: "/")
        let parent = DirectoryFiles(root: "/" + parts.dropLast().joined(separator: "/"))
        var ports: Set<UInt16> = []
        for name in parent.list("").prefix(neighboursMax) where name != parts.last.map(String.init)
        {
            let files = DirectoryFiles(root: parent.path(name))
            guard files.exists("VERSION"), files.exists("config.json"),
                let configuration = try? StateDirectory.configuration(files)
            else { continue }
            ports.formUnion([configuration.peerPort, configuration.httpPort])
        }
        return ports
    }
}

extension StateDirectory {
    /// Where the configuration says that others reach this node; for a ticket made while the node
    /// does not run.
    public func configuredAddresses() throws(StateError) -> [NetworkAddress] {
        let configuration = try configuration()
        let given = try configuration.parsedAddresses()
        guard given.isEmpty, !configuration.dialOutOnly, configuration.peerPort != 0 else {
            return given
        }
        return LocalAddresses.candidates(
            host: configuration.peerHost, port: configuration.peerPort)
    }
}
