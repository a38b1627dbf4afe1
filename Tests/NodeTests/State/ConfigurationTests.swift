import Foundation
import Gossip
import MeshTransport
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
        configuration.relayedLinks = 0
        configuration.addresses = ["192.0.2.1:7433"]
        configuration.faults = ["drop-datagrams=0.5"]
        configuration.aliases = ["chat": ["big", "small"]]
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
            (#"{"dialOutOnly": "yes"}"#, "dialOutOnly"),
            (#"{"relayedLinks": -1}"#, "relayedLinks: it is from 0 to 1024"),
            ("[]", "config.json"),
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

    @Test func faultsAreReadOrNamed() throws {
        func faults(_ texts: String...) throws -> [TransportFault] {
            var configuration = NodeConfiguration()
            try configuration.apply(environment: ["SHOAL_FAULTS": texts.joined(separator: ",")])
            return try configuration.parsedFaults()
        }
        #expect(try faults() == [])
        #expect(
            try faults("drop-datagrams", "drop-datagrams=0.25") == [
                .dropDatagrams(share: 1), .dropDatagrams(share: 0.25),
            ])
        for text in ["drop", "drop-datagrams=", "drop-datagrams=0", "drop-datagrams=1.1", "x=1"] {
            let words = refusal { _ = try faults(text) }
            #expect(words.contains("'\(text)'") && words.contains("drop-datagrams=SHARE"))
        }
        for fault in try faults("drop-datagrams", "drop-datagrams=0.25") {
            #expect(TransportFault("\(fault)") == fault)
        }
    }

    @Test func whatKeepsSizesFromTellingIsOnUnlessItIsSwitchedOff() throws {
        let usual = try read("{}").privacy
        #expect(usual.padding && usual.batchMilliseconds == 20)
        let off = try read(#"{"privacy": {"padding": false, "batchMilliseconds": 0}}"#).privacy
        #expect(!off.padding && off.batchMilliseconds == 0)
        #expect(try read(#"{"privacy": {"padding": false}}"#).privacy.batchMilliseconds == 20)
        for (text, expected) in [
            (#"{"paddings": true}"#, "unknown setting 'paddings'"),
            (#"{"batchMilliseconds": 1001}"#, "from 0 to 1000"),
            (#"{"batchMilliseconds": 1.5}"#, "from 0 to 1000"),
            (#"{"padding": "yes"}"#, "padding"),
        ] {
            let words = refusal { _ = try read(#"{"privacy": \#(text)}"#) }
            #expect(words.contains(expected), "\(text): \(words)")
        }
    }

    @Test func aliasesGiveEachModelItsRungs() throws {
        let configuration = try read(
            #"{"aliases": {"chat": ["big", "small"], "code": ["coder", "big"]}}"#)
        let ladders = try configuration.ladders()
        #expect(
            ladders.rungs(of: "big") == [
                ModelRung(alias: "chat", rung: 0), ModelRung(alias: "code", rung: 1),
            ])
        #expect(ladders.rungs(of: "small") == [ModelRung(alias: "chat", rung: 1)])
        #expect(ladders.rungs(of: "other").isEmpty)
        for (text, expected) in [
            (#"{"": ["a"]}"#, "an alias"),
            (#"{"a-name-of-more-than-24-bytes": ["a"]}"#, "'a-name-of-more-than-24-bytes'"),
            (#"{"chat": []}"#, "'chat' names no model"),
            (#"{"chat": ["a", "b", "a"]}"#, "'chat' names 'a' twice"),
            (#"{"a": ["m"], "b": ["m"], "c": ["m"], "d": ["m"], "e": ["m"]}"#, "'m'"),
        ] {
            let configuration = try read(#"{"aliases": \#(text)}"#)
            let words = refusal { _ = try configuration.ladders() }
            #expect(words.contains(expected), "\(text): \(words)")
        }
    }
}
