import Foundation
import Testing

/// A Python interpreter that has the package openai; without it this test does not run.
private let python = ProcessInfo.processInfo.environment["SHOAL_INTEROP_PYTHON"]

extension ProcessTests {
    @Suite(.enabled(if: python != nil, "SHOAL_INTEROP_PYTHON names no interpreter"))
    struct OpenAIClientTests {
        @Test func theOpenAIPackageTalksToANodeWithoutAModel() async throws {
            let script = Package.root.appendingPathComponent("Tests/Interop/openai_client.py").path
            try await Place.with { place in
                struct Processes: Decodable {
                    struct Node: Decodable { var http: String? }
                    var nodes: [Node]
                }
                let up = try await place.succeed(
                    "testnet", "up", "--nodes", "2", "--dir", place.path("net"), "--json"
                ).json(Processes.self)
                for node in up.nodes {
                    let http = try #require(node.http)
                    let client = try StartedCommand(
                        executable: try #require(python), arguments: [script, http + "/v1"],
                        input: nil, environment: [:], directory: place.folder,
                        outputBase: place.folder.appendingPathComponent("outputs/client"))
                    let outcome = try await client.outcome(withinSeconds: 300)
                    #expect(outcome.status == 0, "\(outcome)")
                }
                try await place.succeed("testnet", "down", "--dir", place.path("net"))
            }
        }
    }
}
