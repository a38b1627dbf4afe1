import Foundation
import Testing
import Trust
import Wire

@testable import Node

/// A directory of its own for each test, removed when the last reference goes.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("shoal-state-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    /// Writes in place, as a careless program or a dying disk would.
    func overwrite(_ name: String, with bytes: [UInt8]) throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path(name)))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: path(name))
    }

    func setMode(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes(
            [.posixPermissions: mode], ofItemAtPath: name.isEmpty ? path : path(name))
    }

    func mode(of name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path(name))
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue
    }

    /// Every file below, with its content: what must not change when something is refused.
    func snapshot() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            var isDirectory: ObjCBool = false
            if FileManager.default.fileExists(atPath: path(name), isDirectory: &isDirectory),
                !isDirectory.boolValue
            {
                files[name] = try bytes(name)
            }
        }
        return files
    }
}

let now = WallTime(seconds: 1_800_000_000)
let day: Duration = .seconds(86_400)

extension StateDirectory {
    /// A new mesh named `lab` whose first node is `node-1`.
    static func sample(at path: String, meshName: String = "lab") throws -> StateDirectory {
        try create(
            at: path, meshName: meshName, nodeName: "node-1",
            labels: [Label(key: "region", value: "eu")], now: now)
    }

    /// A ticket with `uses` that is good for a day.
    func sampleTicket(uses: UInt16 = 1, labels: [Label] = []) throws -> Ticket {
        try createTicket(
            addresses: [try #require(NetworkAddress("127.0.0.1:7433"))], lifetime: day, uses: uses,
            labels: labels, now: now)
    }

    /// What a node that joins is given.
    func admission(for node: Identity, name: String = "node-2") throws -> JoinResponse.Admission {
        JoinResponse.Admission(
            chain: try issue(to: node.nodeID, name: name, labels: [], now: now),
            gateKey: try gateKeys().current, trust: try trust(),
            seeds: [
                SeedAddress(
                    node: identity.nodeID,
                    addresses: [try #require(NetworkAddress("127.0.0.1:7433"))])
            ])
    }
}

/// The error that `body` throws, in words; empty when it throws none.
func refusal(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch { return "\(error)" }
}
