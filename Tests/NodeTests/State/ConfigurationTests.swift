import Foundation
import Testing

@testable import Node

struct ConfigurationTests {
    let folder: TemporaryDirectory
    let state: StateDirectory

    init() throws {
        folder = try TemporaryDirectory()
        state = try StateDirectory.sample(at: folder.path)
    }

    private func read(_ text: String) throws -> NodeConfiguration {
        try NodeConfiguration(json: Array(text.utf8), path: "config.json")
    }

    @Test func noFileIsAnEmptyConfiguration() throws {
        #expect(try state.configuration() == NodeConfiguration())
    }

    @Test func aConfigurationComesBackFromDisk() throws {
        var configuration = NodeConfiguration()
        configuration.peer = NodeConfiguration.Listen(host: "0.0.0.0", port: 7433)
        configuration.http = NodeConfiguration.Listen(port: 8080)
        configuration.name = "node-1"
        configuration.models = ["models/a.gguf"]
        configuration.dialOutOnly = true
        configuration.seeds = ["192.0.2.1:7433"]
        try state.save(configuration)
        #expect(try state.configuration() == configuration)
    }

    @Test func aMistakeIsNamed() {
        for (text, expected) in [
            (#"{"modles": []}"#, "'modles'"), (#"{"peer": {"prot": 1}}"#, "'peer.prot'"),
            (#"{"http": {"port": 65536}}"#, "'http.port': a port is from 0 to 65535"),
            (#"{"models": "a"}"#, "'models'"),
            (#"{"models": ["a", 1]}"#, "models"), (#"{"dialOutOnly": "yes"}"#, "'dialOutOnly'"),
            ("[]", "object"), ("", "not JSON"), (#"{"peer": 3}"#, "'peer'"),
            (#"{"http": {"port": -1.5}}"#, "'http.port': a port is from 0 to 65535"),
            ("{\"name\": \"a\",\n \"seeds\": [}", "character 25"),
        ] {
            let words = refusal { _ = try read(text) }
            #expect(words.contains("config.json cannot be used"), "\(text): \(words)")
            #expect(words.contains(expected), "\(text): \(words)")
        }
    }

    @Test func moreThanTheLimitsIsRefused() {
        let models = (0...NodeLimits.modelsMax).map { "\"\($0)\"" }.joined(separator: ",")
        #expect(refusal { _ = try read("{\"models\": [\(models)]}") }.contains("more than 16"))
        let long = String(repeating: " ", count: NodeLimits.configurationBytesMax) + "{}"
        #expect(refusal { _ = try read(long) }.contains("longer than"))
    }
}
