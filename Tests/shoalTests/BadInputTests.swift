import Foundation
import Testing

extension ProcessTests {
    @Suite struct BadInputTests {
        @Test func requestsThatCannotBeServedAreRefusedAndTheNodeGoesOn() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha", ["--model", Package.model])
                expectRefusal(
                    try await place.shoal(
                        "query", "Hello", "--dir", alpha.directory, "--model", "no-such-model"),
                    status: 69, saying: "no-such-model", Package.modelName)
                let long = [String](repeating: "word", count: 3000).joined(separator: " ")
                expectRefusal(
                    try await place.shoal("query", long, "--dir", alpha.directory), status: 64,
                    saying: "prompt", "511")

                let chat = "/v1/chat/completions"
                let hello = #""messages": [{"role": "user", "content": "Hello"}]"#
                for (body, status) in [
                    ("{bad", 400), ("", 400), ("[]", 400), ("{}", 400), (#"{"messages": 3}"#, 400),
                    (#"{"messages": [{"role": "user"}]}"#, 400),
                    (#"{\#(hello), "temperature": "hot"}"#, 400),
                    (#"{\#(hello), "max_tokens": -1}"#, 400), (#"{\#(hello), "n": 1000000}"#, 400),
                    (#"{\#(hello), "model": "no-such-model"}"#, 404),
                    (#"{"messages": [{"role": "user", "content": "\#(long)"}]}"#, 400),
                    (String(repeating: "[", count: 100_000), 400),
                ] {
                    let answer = try await HTTPAnswer.of(alpha.http, chat, body: body)
                    #expect(answer.status == status, "\(body.prefix(80)): \(answer)")
                    #expect(
                        answer.errorMessage?.isEmpty == false, "\(body.prefix(80)): \(answer)")
                }
                #expect(try await HTTPAnswer.of(alpha.http, "/nowhere").status == 404)
                #expect(try await HTTPAnswer.of(alpha.http, chat).status == 405)
                #expect(try await HTTPAnswer.of(alpha.http, "/healthz").status == 200)
                try await answers(place, alpha)
            }
        }

        private func answers(_ place: Place, _ node: RunningNode) async throws {
            let answer = try await place.succeed(
                "query", "Once upon a time", "--dir", node.directory, "--max-tokens", "8",
                "--json"
            ).json(QueryReport.self)
            #expect(answer.usage.completion_tokens == 8)
            #expect(node.command.isRunning)
        }

        @Test func noiseOnThePeerPortChangesNothing() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha", ["--model", Package.model])
                let joined = try await place.join(try await place.ticket(of: alpha), as: "beta")
                #expect(joined.status == 0, "\(joined)")
                let beta = try await place.run("beta")
                try await place.wait(
                    for: "alpha", toBe: "alive", at: beta, offering: Package.modelName)
                try await place.wait(for: "beta", toBe: "alive", at: alpha)
                let port = try #require(alpha.peerPort)
                let before = place.content(of: "alpha", except: ["run", "peers"])

                try await Loopback.touch(port: port)
                for seed in 1...40 as ClosedRange<UInt64> {
                    let size = [1, 7, 48, 64, 200, 1200, 1400, 9000][Int(seed % 8)]
                    try await Loopback.send(datagram: noise(size, seed: seed), port: port)
                }
                for (seed, size) in [(1, 1), (2, 17), (3, 200), (4, 70_000), (5, 1 << 20)] {
                    // The node hangs up by itself: what comes is no handshake of its mesh.
                    _ = try await Loopback.exchange(
                        noise(size, seed: UInt64(100 + seed)), port: port, waitsSeconds: 2)
                }
                _ = try await Loopback.exchange(
                    Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), port: port, waitsSeconds: 2)

                let status = try await place.status(alpha)
                #expect(status.members.map(\.name).sorted() == ["alpha", "beta"])
                #expect(status.state(of: "beta") == "alive")
                #expect(place.content(of: "alpha", except: ["run", "peers"]) == before)
                try await answers(place, alpha)
                try await answers(place, beta)
                // And it still lets others in.
                #expect(
                    try await place.join(try await place.ticket(of: alpha), as: "gamma").status == 0
                )
            }
        }

        @Test func aPortInUseIsNamed() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let port = try #require(alpha.peerPort)
                let http = try #require(alpha.http.split(separator: ":").last)
                try await place.makeMesh("beta")
                let run = ["node", "run", "--dir", place.path("beta")]
                expectRefusal(
                    try await place.start(run + ["--peer-port", "\(port)"]).outcome(), status: 71,
                    saying: "127.0.0.1:\(port)", "in use", "--peer-port", "config.json")
                expectRefusal(
                    try await place.start(run + ["--http-port", "\(http)"]).outcome(), status: 71,
                    saying: "127.0.0.1:\(http)", "--http-port", "config.json")
                expectRefusal(
                    try await place.shoal("node", "run", "--dir", alpha.directory), status: 71,
                    saying: "another process", alpha.directory)
                #expect(alpha.command.isRunning)
                #expect(!place.exists("beta/run/node.json"))
                // Nothing of it stays: beta runs where there is room.
                _ = try await place.run("beta")
            }
        }

        @Test func aMissingOrExposedKeyIsRefused() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                let manager = FileManager.default
                for key in ["node/identity.key", "mesh/gate.key"] {
                    let file = place.path("alpha/\(key)")
                    let before = place.content(of: "alpha", except: ["run"])
                    try manager.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
                    expectRefusal(
                        try await place.shoal("node", "run", "--dir", place.path("alpha")),
                        status: 78, saying: file, "644", "chmod 600")
                    try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)

                    try manager.moveItem(atPath: file, toPath: place.path("aside"))
                    expectRefusal(
                        try await place.shoal("node", "run", "--dir", place.path("alpha")),
                        status: 78, saying: file, "missing")
                    #expect(!manager.fileExists(atPath: file))
                    try manager.moveItem(atPath: place.path("aside"), toPath: file)

                    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
                    for damaged in [Array(bytes.dropLast()), bytes.dropLast() + [bytes[0]], []] {
                        try Data(damaged).write(to: URL(fileURLWithPath: file))
                        expectRefusal(
                            try await place.shoal("node", "run", "--dir", place.path("alpha")),
                            status: 78, saying: file, "damaged")
                    }
                    try Data(bytes).write(to: URL(fileURLWithPath: file))
                    #expect(place.content(of: "alpha", except: ["run"]) == before)
                }
                _ = try await place.run("alpha")
            }
        }

        @Test(arguments: [
            ["bogus"], ["query"], ["node", "run", "--bogus"], ["node", "run", "--peer-port", "x"],
            ["testnet", "up", "--nodes", "0"], ["testnet", "up", "--nodes", "65"],
            ["gguf", "eval", "x.gguf"], ["gguf", "eval", "x.gguf", "--tokens", "1", "--kv", "f8"],
            ["gguf", "tokenize", "x.gguf"], ["invite", "create", "--uses", "70000"],
            ["status", "--url", "nonsense"], ["join"],
        ]) func aWrongCommandLineEndsWith64(arguments: [String]) async throws {
            try await Place.with { place in
                let outcome = try await place.start(arguments).outcome()
                #expect(outcome.status == 64, "\(outcome)")
                #expect(!outcome.errors.isEmpty)
                #expect(place.content(of: ".").keys.allSatisfy { $0.hasPrefix("outputs") })
            }
        }

        @Test func withoutANodeTheErrorSaysWhatToDo() async throws {
            try await Place.with { place in
                expectRefusal(
                    try await place.shoal("query", "Hello"), status: 69, saying: "testnet up")
                expectRefusal(
                    try await place.shoal("status", "--dir", place.path("alpha")), status: 69,
                    saying: "shoal node run")
                expectRefusal(
                    try await place.shoal("node", "run", "--dir", place.path("alpha")), status: 78,
                    saying: "mesh init", "join")
                #expect(!place.exists("alpha"))
                for help in [["--help"], ["node", "run", "--help"], ["--version"]] {
                    let outcome = try await place.start(help).outcome()
                    #expect(outcome.status == 0)
                    #expect(!outcome.output.isEmpty)
                }
            }
        }
    }
}
