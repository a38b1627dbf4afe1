import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

private struct Ports: Decodable, Equatable {
    var peer_port: Int
    var http_port: Int
}

private struct Examination: Decodable {
    struct Check: Decodable {
        var subject: String
        var level: String
        var found: String
        var remedy: String?
    }

    var problems: Int
    var checks: [Check]

    func check(_ subject: String) -> Check? { checks.first { $0.subject == subject } }
}

extension ProcessTests {
    @Suite struct NewNodeTests {
        private let settled = ["--peer-host", "127.0.0.1", "--peer-port", "0", "--http-port", "0"]

        private func initialise(
            _ name: String, _ options: [String] = [], in place: Place
        ) async throws -> Outcome {
            try await place.start(
                ["mesh", "init", "--dir", place.path(name), "--node-name", name, "--json"] + options
            ).outcome()
        }

        private func examine(
            _ name: String, in place: Place
        ) async throws -> (Outcome, Examination) {
            let outcome = try await place.shoal("doctor", "--dir", place.path(name), "--json")
            return (outcome, try outcome.json(Examination.self))
        }

        @Test func nodesThatAreMadeSideBySideChooseDifferentPorts() async throws {
            try await Place.with { place in
                var ports: [Int] = []
                for name in ["alpha", "beta", "gamma"] {
                    let told = try await initialise(name, in: place).json(Ports.self)
                    ports += [told.peer_port, told.http_port]
                }
                #expect(Set(ports).count == 6, "\(ports)")
                // What is said counts, and the other port keeps away from it.
                let said = try await initialise("delta", ["--http-port", "7433"], in: place)
                    .json(Ports.self)
                #expect(said.http_port == 7433 && said.peer_port != 7433)
            }
        }

        @Test func onePortForPeersAndHTTPIsRefused() async throws {
            try await Place.with { place in
                let same = ["--peer-port", "7555", "--http-port", "7555"]
                expectRefusal(
                    try await initialise("alpha", same, in: place), status: 64, saying: "7555",
                    "--peer-port", "--http-port")
                #expect(!place.exists("alpha"))
                try await place.makeMesh("alpha")
                expectRefusal(
                    try await place.start(["node", "run", "--dir", place.path("alpha")] + same)
                        .outcome(), status: 64, saying: "7555")
                // On different addresses it is no conflict, and 0 is none either.
                let apart = ["--peer-host", "192.0.2.1"] + same
                #expect(try await initialise("beta", apart, in: place).status == 0)
            }
        }

        @Test func aModelThatIsNoneIsRefusedBeforeAnythingIsWritten() async throws {
            try await Place.with { place in
                let text = try place.write("not a model", to: "text")
                for (model, status) in [
                    (place.path("missing.gguf"), Int32(66)), (text, 65), ("name=\(text)", 65),
                    ("/etc", 66),
                ] {
                    expectRefusal(
                        try await initialise("alpha", settled + ["--model", model], in: place),
                        status: status)
                    #expect(!place.exists("alpha"))
                }
                let good = settled + ["--model", "tiny=\(Package.model)"]
                #expect(try await initialise("alpha", good, in: place).status == 0)
                // And by a joiner, before its ticket is used.
                let alpha = try await place.run("alpha")
                let ticket = try await place.ticket(of: alpha)
                expectRefusal(
                    try await place.shoal(
                        "join", ticket, "--yes", "--dir", place.path("beta"), "--model", text),
                    status: 65)
                #expect(!place.exists("beta"))
                #expect(try await place.join(ticket, as: "beta").status == 0)
            }
        }

        @Test func aConfigurationThatIsThereIsKeptOrTheOptionsAreRefused() async throws {
            try await Place.with { place in
                try FileManager.default.createDirectory(
                    atPath: place.path("alpha"), withIntermediateDirectories: true)
                chmod(place.path("alpha"), 0o700)
                let text = #"{"peerHost": "127.0.0.1", "peerPort": 0, "httpPort": 0}"# + "\n"
                let file = try place.write(text, to: "alpha/config.json")
                expectRefusal(
                    try await initialise("alpha", ["--peer-port", "7777"], in: place), status: 64,
                    saying: file, "options")
                #expect(place.content(of: "alpha").keys.sorted() == ["config.json"])
                let made = try await initialise("alpha", in: place)
                #expect(made.status == 0 && made.errors.contains("kept"), "\(made)")
                #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
                try place.write("{", to: "alpha/config.json")
                expectRefusal(
                    try await initialise("alpha", in: place), status: 78, saying: "already belongs")
            }
        }

        @Test func aLostVersionAndAnUnfinishedInitAreNamedWithWhatToDo() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                let directory = place.path("alpha")
                let version = try String(contentsOfFile: directory + "/VERSION", encoding: .utf8)
                try FileManager.default.removeItem(atPath: directory + "/VERSION")
                for command in [["node", "run"], ["mesh", "init"], ["mesh", "show"]] {
                    expectRefusal(
                        try await place.start(command + ["--dir", directory]).outcome(), status: 78,
                        saying: "VERSION", "missing", version.trimmingCharacters(in: .newlines))
                }
                var (outcome, report) = try await examine("alpha", in: place)
                #expect(outcome.status == 1)
                let remedy = try #require(report.check("directory")?.remedy)
                #expect(remedy.contains("echo shoal-state-2 > \(directory)/VERSION"))
                try place.write(version, to: "alpha/VERSION")
                #expect(try await examine("alpha", in: place).0.status == 0)

                // As an init leaves it that is killed in the middle.
                for file in ["mesh/genesis", "node/certificate"] {
                    try FileManager.default.removeItem(atPath: directory + "/" + file)
                }
                expectRefusal(
                    try await place.shoal("node", "run", "--dir", directory), status: 78,
                    saying: "interrupted", "shoal mesh init")
                (outcome, report) = try await examine("alpha", in: place)
                #expect(report.check("directory")?.remedy?.contains("shoal mesh init") == true)
                #expect(try await initialise("alpha", settled, in: place).status == 0)
                _ = try await place.run("alpha")
            }
        }

        @Test func anUnfinishedJoinIsToBeRepeated() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let proxy = try Proxy(to: try #require(alpha.peerPort))
                defer { proxy.stop() }
                let ticket = try await place.ticket(
                    of: alpha, "--address", "127.0.0.1:\(proxy.port)")
                proxy.set(.cutAfterFirstFrame)
                #expect(try await place.join(ticket, as: "beta").status == 75)
                for command in [["node", "run"], ["mesh", "init"]] {
                    expectRefusal(
                        try await place.start(command + ["--dir", place.path("beta")]).outcome(),
                        status: 78, saying: "repeat it", "same ticket")
                }
                let (outcome, report) = try await examine("beta", in: place)
                #expect(outcome.status == 1)
                #expect(report.check("directory")?.remedy?.contains("shoal join") == true)
                proxy.set(.pass)
                #expect(try await place.join(ticket, as: "beta").status == 0)
            }
        }

        @Test func whatAnInterruptedInitLeftIsExplained() async throws {
            try await Place.with { place in
                let file = place.path("authority")
                let offline = settled + ["--offline-authority", file]
                #expect(try await initialise("alpha", offline, in: place).status == 0)
                // The next init finds it as after an init that was killed when it was written.
                try place.write("half", to: "authority.new-12-34")
                let refused = try await initialise("beta", offline, in: place)
                expectRefusal(
                    refused, status: 64, saying: "\(file) is there already",
                    "authority's key of the mesh", "interrupted")
                #expect(refused.errors.contains("authority.new-12-34 is left"))
                #expect(!place.exists("beta"))

                let left = try place.write("half", to: "alpha/node/identity.key.new-1-2")
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -3600)], ofItemAtPath: left)
                try FileManager.default.removeItem(atPath: place.path("alpha/config.json"))
                let (_, report) = try await examine("alpha", in: place)
                #expect(report.check("leftovers")?.remedy?.contains(left) == true)
                let configuration = try #require(report.check("configuration"))
                #expect(configuration.level == "warning")
                #expect(configuration.found.contains("config.json is missing"))
            }
        }

        @Test func namesAndLabelsThatCannotBeAreAWrongCommandLine() async throws {
            try await Place.with { place in
                for (options, words) in [
                    (["--name", "a/b"], "a/b"), (["--label", "x"], "'x' is not a label"),
                    (["--label", "x="], "'x='"), (["--label", "a=b", "--label", "a=c"], "twice"),
                ] {
                    expectRefusal(
                        try await initialise("alpha", settled + options, in: place), status: 64,
                        saying: words)
                    #expect(!place.exists("alpha"))
                }
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                expectRefusal(
                    try await place.shoal(
                        "join", ticket, "--yes", "--dir", place.path("beta"), "--node-name", "a/b"),
                    status: 64, saying: "'a/b' cannot name a node")
                #expect(!place.exists("beta"))
                #expect(try await place.join(ticket, as: "beta").status == 0)
            }
        }

        @Test func whatIsPrintedAtTheEndIsWhatTheNextCommandNeeds() async throws {
            try await Place.with { place in
                let passphrase = try place.write("correct horse\n", to: "passphrase")
                chmod(passphrase, 0o600)
                let authority = place.path("authority")
                let made = try await place.start(
                    [
                        "mesh", "init", "--dir", place.path("alpha"), "--offline-authority",
                        authority,
                    ]
                        + ["--key-passphrase-file", passphrase] + settled
                ).outcome()
                #expect(made.status == 0, "\(made)")
                #expect(made.output.contains("The authority's key: \(authority). Keep it"))
                #expect(
                    made.output.contains(
                        "shoal node run --dir \(place.path("alpha")) --key-passphrase-file "
                            + passphrase))
            }
        }

        @Test func aPipeInPlaceOfAFileHoldsNothingUp() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                for name in ["node/identity.key", "mesh/gate.key", "VERSION", "config.json"] {
                    let file = place.path("alpha/\(name)")
                    try FileManager.default.moveItem(atPath: file, toPath: place.path("aside"))
                    #expect(mkfifo(file, 0o600) == 0)
                    let command = try place.start([
                        "doctor", "--dir", place.path("alpha"), "--json",
                    ])
                    let outcome = try await command.outcome(withinSeconds: 30)
                    #expect(outcome.status == 1)
                    #expect(outcome.output.contains("not a plain file"), "\(outcome)")
                    try FileManager.default.removeItem(atPath: file)
                    try FileManager.default.moveItem(atPath: place.path("aside"), toPath: file)
                }
            }
        }
    }
}
