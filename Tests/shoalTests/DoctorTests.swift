import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What `shoal doctor --json` prints.
private struct DoctorReport: Decodable {
    struct Check: Decodable {
        var area: String
        var subject: String
        var level: String
        var found: String
        var remedy: String?
    }

    struct Answer: Decodable {
        var address: String
        var result: String
        var meaning: String
    }

    struct Tried: Decodable {
        var address: String
        var origin: String
        var unresolved: String?
        var answers: [Answer]
    }

    var healthy: Bool
    var problems: Int
    var warnings: Int
    var process: Int32?
    var checks: [Check]
    var tried: [Tried]

    func check(_ subject: String) -> Check? { checks.first { $0.subject == subject } }

    func result(at address: String) -> String? {
        tried.first { $0.address == address }?.answers.first?.result
    }
}

/// A port of 127.0.0.1 at which connections are made and nothing is ever said.
private final class SilentListener {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        #if canImport(Glibc)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isBound else { throw Problem("no port to listen at") }
    }

    deinit { close(descriptor) }
}

extension ProcessTests {
    @Suite struct DoctorTests {
        private func examine(_ name: String, in place: Place) async throws -> (
            Outcome, DoctorReport
        ) {
            let outcome = try await place.shoal("doctor", "--dir", place.path(name), "--json")
            return (outcome, try outcome.json(DoctorReport.self))
        }

        /// Makes a mesh that looks for members at these addresses.
        private func makeMesh(_ name: String, seeds: [String], in place: Place) async throws {
            let outcome = try await place.start(
                ["mesh", "init", "--dir", place.path(name), "--node-name", name, "--peer-host"]
                    + ["127.0.0.1", "--peer-port", "0", "--http-port", "0"]
                    + seeds.flatMap { ["--seed", $0] }
            ).outcome()
            #expect(outcome.status == 0, "\(outcome)")
        }

        @Test func aHealthyDirectoryIsFoundHealthyAndLeftAsItIs() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                let before = place.content(of: "alpha")
                let (outcome, report) = try await examine("alpha", in: place)
                #expect(outcome.status == 0, "\(outcome)")
                #expect(report.healthy && report.problems == 0)
                #expect(report.process == nil)
                #expect(report.tried.isEmpty)
                #expect(report.checks.contains { $0.found == "TCP and UDP arrive" })
                let text = try await place.succeed("doctor", "--dir", place.path("alpha"))
                #expect(text.output.contains("No problem, "))
                #expect(place.content(of: "alpha") == before)
            }
        }

        @Test func whenNobodyAnswersItSaysWhatWasTriedAndWhatEachAnswerMeans() async throws {
            try await Place.with { place in
                let silent = try SilentListener()
                let other = try await place.runMesh("other")
                let otherPort = try #require(other.peerPort)
                let seeds = [
                    "127.0.0.1:1", "localhost:\(silent.port)", "shoal.invalid:7433",
                    "127.0.0.1:\(otherPort)",
                ]
                try await makeMesh("alpha", seeds: seeds, in: place)
                let began = ContinuousClock.now
                let (outcome, report) = try await examine("alpha", in: place)
                // All at once, three seconds each at most; the rest is for a busy machine.
                #expect(ContinuousClock.now - began < .seconds(30))
                #expect(outcome.status == 1, "\(outcome)")
                #expect(!report.healthy)
                #expect(report.tried.map(\.address) == seeds)
                #expect(report.result(at: seeds[0]) == "connection_refused")
                #expect(
                    report.tried[1].answers.contains {
                        $0.address == "127.0.0.1:\(silent.port)" && $0.result == "silent"
                    })
                #expect(report.tried[2].unresolved?.contains("shoal.invalid") == true)
                #expect(report.result(at: seeds[3]) == "closed_silently")
                let summary = try #require(report.check("anyone there"))
                #expect(summary.level == "problem")
                #expect(summary.remedy != nil)
                for seed in seeds {
                    #expect(summary.found.contains(seed))
                    let check = try #require(report.check("seed \(seed)"))
                    #expect(check.level == "warning")
                    #expect(check.remedy != nil)
                }

                let text = try await place.shoal("doctor", "--dir", place.path("alpha"))
                #expect(text.status == 1)
                for words in [
                    "nobody answers", "the machine is up, and nothing listens at that port",
                    "it connects and says nothing", "the name shoal.invalid does not resolve",
                    "a node of another mesh",
                ] {
                    #expect(text.output.contains(words), "\(words): \(text)")
                }
            }
        }

        @Test func aKeyThatOthersCanReadIsAProblemWithItsRemedy() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                let key = place.path("alpha/node/identity.key")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o644], ofItemAtPath: key)
                let (outcome, report) = try await examine("alpha", in: place)
                #expect(outcome.status == 1, "\(outcome)")
                let check = try #require(report.check("node/identity.key"))
                #expect(check.level == "problem")
                #expect(check.found.contains("644"))
                #expect(check.remedy == "run `chmod 600 \(key)`")
                // What it says to do helps.
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: key)
                #expect(try await examine("alpha", in: place).0.status == 0)
            }
        }

        @Test func aNodeThatRunsIsAskedAndItsLinksStayAsTheyAre() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha", ["--model", Package.model])
                let ticket = try await place.ticket(of: alpha)
                #expect(try await place.join(ticket, as: "beta").status == 0)
                let beta = try await place.run("beta")
                try await place.wait(for: "alpha", toBe: "alive", at: beta)
                try await place.wait(for: "beta", toBe: "alive", at: alpha)
                for (name, other) in [("alpha", "beta"), ("beta", "alpha")] {
                    let (outcome, report) = try await examine(name, in: place)
                    #expect(outcome.status == 0, "\(outcome)")
                    #expect(report.process != nil)
                    #expect(report.check("states")?.found == "1 alive")
                    #expect(report.check("issuers")?.found.hasPrefix("alpha alone") == true)
                    #expect(report.checks.contains { $0.found == "leads to this node" })
                    #expect(
                        report.tried.contains { tried in
                            tried.answers.contains {
                                $0.result == "member" && $0.meaning.contains("'\(other)'")
                            }
                        }, "\(outcome)")
                }
                // A crash is told from a node that was stopped.
                try await alpha.kill()
                let (outcome, report) = try await examine("alpha", in: place)
                #expect(report.check("node")?.level == "warning")
                #expect(report.process == nil)
                #expect(outcome.status == 0, "\(outcome)")
                try await place.wait(for: "alpha", toBe: "dead", at: beta)
                let alone = try await examine("beta", in: place)
                #expect(alone.0.status == 1, "\(alone.0)")
                #expect(alone.1.check("anyone there")?.level == "problem")
                #expect(alone.1.check("states")?.found.contains("alpha dead") == true)
            }
        }

        @Test func aBrokenSettingModelAndPortAreNamed() async throws {
            try await Place.with { place in
                let taken = try SilentListener()
                try await place.makeMesh("alpha")
                let model = try place.write("GGUF, but no more", to: "broken.gguf")
                try place.write(
                    """
                    {"peerHost": "127.0.0.1", "peerPort": \(taken.port), "httpPort": 0,
                     "models": ["\(model)", "\(place.path("missing.gguf"))"]}
                    """, to: "alpha/config.json")
                let (outcome, report) = try await examine("alpha", in: place)
                #expect(outcome.status == 1, "\(outcome)")
                let models = report.checks.filter { $0.subject == "model" }
                #expect(models.map(\.level) == ["problem", "problem"])
                #expect(models.first?.found.contains("broken.gguf") == true)
                #expect(models.last?.found.contains("missing.gguf") == true)
                let port = try #require(report.check("port for peers"))
                #expect(port.level == "problem")
                #expect(port.found.contains("in use for TCP"))
                try place.write(#"{"sede": []}"#, to: "alpha/config.json")
                let second = try await examine("alpha", in: place).1
                #expect(second.check("configuration")?.found.contains("'sede'") == true)
            }
        }

        @Test func aDirectoryWithoutAMeshIsAProblemAndStaysEmpty() async throws {
            try await Place.with { place in
                let (outcome, report) = try await examine("nothing", in: place)
                #expect(outcome.status == 1)
                #expect(report.check("directory")?.remedy?.contains("shoal mesh init") == true)
                #expect(!place.exists("nothing"))
            }
        }
    }
}
