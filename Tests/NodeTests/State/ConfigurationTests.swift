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
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("config.json")))
        return try state.configuration()
    }

    @Test func noFileGivesTheDefaults() throws {
        #expect(try state.configuration() == NodeConfiguration())
        #expect(NodeConfiguration().httpHost == "127.0.0.1")
    }

    @Test func aConfigurationComesBackFromDisk() throws {
        var configuration = NodeConfiguration()
        configuration.peerPort = 1
        configuration.httpPort = 65_535
        configuration.models = ["models/a.gguf"]
        configuration.dialOutOnly = true
        configuration.addresses = ["192.0.2.1:7433"]
        try state.save(configuration)
        #expect(try state.configuration() == configuration)
    }

    @Test func whatIsLeftOutKeepsItsDefault() throws {
        let configuration = try read(#"{"peerPort": 0}"#)
        #expect(configuration.peerPort == 0)
        #expect(configuration.httpPort == NodeConfiguration.defaultHTTPPort)
    }

    @Test func aMistakeIsNamed() {
        for (text, expected) in [
            (#"{"modles": []}"#, "'modles'"),
            (#"{"httpPort": 65536}"#, "httpPort: a port is from 0 to 65535"),
            (#"{"peerPort": -1}"#, "peerPort"), (#"{"peerPort": 1.5}"#, "peerPort"),
            (#"{"models": "a"}"#, "models"), (#"{"models": ["a", 1]}"#, "models"),
            (#"{"dialOutOnly": "yes"}"#, "dialOutOnly"), ("[]", "config.json"),
            ("", "not JSON"), ("{\"peerHost\": \"a\",\n \"models\": [}", "character 30"),
        ] {
            let words = refusal { _ = try read(text) }
            #expect(words.contains("config.json is damaged"), "\(text): \(words)")
            #expect(words.contains(expected), "\(text): \(words)")
        }
    }

    @Test func aMistakeInTheEnvironmentIsNamed() {
        for (name, value) in [
            ("SHOAL_PEER_PORT", "x"), ("SHOAL_HTTP_PORT", "65536"), ("SHOAL_DIAL_OUT_ONLY", "yes"),
        ] {
            var configuration = NodeConfiguration()
            let words = refusal { try configuration.apply(environment: [name: value]) }
            #expect(words.contains(name) && words.contains("'\(value)'"))
        }
    }
}
