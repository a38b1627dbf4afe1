import Foundation
import Testing

extension ProcessTests {
    @Suite struct JoiningTests {
        @Test func aSecondNodeJoinsAndItsQuestionIsAnsweredByTheFirst() async throws {
            try await Place.with { place in
                let made = try await place.makeMesh("alpha").object()
                let alpha = try await place.run("alpha", ["--model", Package.model])
                let ticket = try await place.ticket(of: alpha)
                let joined = try await place.join(ticket, as: "beta")
                #expect(joined.status == 0, "\(joined)")
                let report = try joined.object()
                #expect(report["fingerprint"] as? String == made["fingerprint"] as? String)
                #expect(report["node"] as? String == "beta")
                let beta = try await place.run("beta")
                try await place.wait(
                    for: "alpha", toBe: "alive", at: beta, offering: Package.modelName)
                let answer = try await place.succeed(
                    "query", "Once upon a time", "--dir", beta.directory, "--max-tokens", "24",
                    "--json"
                ).json(QueryReport.self)
                #expect(answer.shoal.node == "alpha")
                #expect(answer.model == Package.modelName)
                #expect(!answer.text.isEmpty)

                // For people: the answer on standard output, who gave it on standard error.
                let plain = try await place.succeed(
                    "query", "Once upon a time", "--dir", beta.directory, "--max-tokens", "24",
                    "--explain")
                #expect(plain.output.hasPrefix(answer.text))
                #expect(plain.output.contains("Answered by  alpha"))
                #expect(plain.errors.contains("via alpha"))

                // Leaving in order is told apart from a crash.
                let stopped = try await beta.stop()
                #expect(stopped.status == 0, "\(stopped)")
                try await place.wait(for: "beta", toBe: "left", at: alpha)
            }
        }

        @Test func aUsedTicketIsRefusedAlsoAfterARestart() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                #expect(try await place.join(ticket, as: "beta").status == 0)
                expectRefusal(
                    try await place.join(ticket, as: "gamma"), status: 77, saying: "has been used")
                #expect(!place.exists("gamma"))

                let port = try #require(alpha.peerPort)
                try await alpha.kill()
                _ = try await place.run("alpha", ["--peer-port", "\(port)"])
                expectRefusal(
                    try await place.join(ticket, as: "gamma"), status: 77, saying: "has been used")
                #expect(!place.exists("gamma"))
            }
        }

        @Test func aTicketUsedByThreeAtOnceLetsOneIn() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                let names = ["beta", "gamma", "delta"]
                let joins = try names.map { name in
                    try place.start([
                        "join", ticket, "--dir", place.path(name), "--node-name", name, "--json",
                        "--yes",
                    ])
                }
                var statuses: [Int32] = []
                for join in joins { statuses.append(try await join.outcome().status) }
                #expect(statuses.sorted() == [0, 77, 77])
                #expect(names.count { place.exists($0) } == 1)
            }
        }

        @Test func aJoinerThatCrashesBeforeItsAnswerComesKeepsItsTicket() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha", ["--log-level", "info"])
                let proxy = try Proxy(to: try #require(alpha.peerPort))
                defer { proxy.stop() }
                let ticket = try await place.ticket(
                    of: alpha, "--address", "127.0.0.1:\(proxy.port)")
                proxy.set(.holdAfterFirstFrame)
                let joiner = try place.start(
                    ["join", ticket, "--yes", "--dir", place.path("beta"), "--node-name", "beta"])
                try await eventually("alpha lets beta in\n\(alpha.command.errors)") {
                    alpha.command.errors.contains("let in")
                }
                joiner.send(SIGKILL)
                _ = try await joiner.outcome()
                proxy.set(.pass)

                // To anybody else the ticket is used up; in beta's directory it goes on.
                expectRefusal(
                    try await place.join(ticket, as: "gamma"), status: 77, saying: "has been used")
                #expect(!place.exists("gamma"))
                let joined = try await place.join(ticket, as: "beta")
                #expect(joined.status == 0, "\(joined)")
                #expect(!place.exists("beta/joining"))
                let beta = try await place.run("beta")
                try await place.wait(for: "alpha", toBe: "alive", at: beta)
            }
        }

        @Test func aJoinerWhoseAnswerIsLostSaysHowToGoOnAndARefusalLeavesNothing() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let proxy = try Proxy(to: try #require(alpha.peerPort))
                defer { proxy.stop() }
                let ticket = try await place.ticket(
                    of: alpha, "--address", "127.0.0.1:\(proxy.port)")
                proxy.set(.cutAfterFirstFrame)
                for name in ["beta", "gamma"] {
                    let lost = try await place.join(ticket, as: name)
                    expectRefusal(lost, status: 75, saying: "same command again")
                    #expect(place.exists("\(name)/joining"))
                }
                proxy.set(.pass)
                #expect(try await place.join(ticket, as: "beta").status == 0)
                // It was beta who used it: gamma's answer was a refusal, which it learns now.
                expectRefusal(
                    try await place.join(ticket, as: "gamma"), status: 77, saying: "has been used")
                #expect(!place.exists("gamma"))
            }
        }

        @Test func anExpiredTicketIsRefused() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha, "--expires", "1s")
                try await Task.sleep(for: .seconds(2))
                expectRefusal(
                    try await place.join(ticket, as: "beta"), status: 77, saying: "has expired")
                #expect(!place.exists("beta"))
            }
        }

        @Test func aTicketForAnotherMeshIsRefusedAndChangesNothing() async throws {
            try await Place.with { place in
                try await place.makeMesh("beta")
                let before = place.content(of: "beta")
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                expectRefusal(
                    try await place.join(ticket, as: "beta"), status: 77, saying: "another mesh",
                    "mesh-of-alpha", "mesh-of-beta")
                #expect(place.content(of: "beta") == before)
                // It was not used up by that.
                #expect(try await place.join(ticket, as: "gamma").status == 0)
            }
        }

        @Test func aTicketWhoseInviterWasReplacedByAnotherMeshIsRefused() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                let port = try #require(alpha.peerPort)
                _ = try await alpha.stop()
                expectRefusal(
                    try await place.join(ticket, as: "gamma"), status: 69, saying: "mesh-of-alpha",
                    "not running", "connection refused", "not used")
                #expect(!place.exists("gamma"))

                try await place.makeMesh("beta")
                let beta = try await place.run("beta", ["--peer-port", "\(port)"])
                expectRefusal(
                    try await place.join(ticket, as: "gamma"), status: 77, saying: "mesh-of-alpha",
                    "another mesh")
                #expect(!place.exists("gamma"))
                #expect(try await place.status(beta).members.map(\.name) == ["beta"])
            }
        }

        @Test func ticketsAreListedAndAWithdrawnOneIsRefused() async throws {
            struct Listed: Decodable {
                struct Ticket: Decodable {
                    var id: String
                    var state: String
                    var uses: Int
                    var used_by: [String]
                    var labels: [String]
                }
                var tickets: [Ticket]
            }
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                func listed() async throws -> [Listed.Ticket] {
                    try await place.succeed("invite", "list", "--dir", alpha.directory, "--json")
                        .json(Listed.self).tickets
                }
                #expect(try await listed().isEmpty)
                let used = try await place.ticket(of: alpha, "--label", "region=eu")
                #expect(try await place.join(used, as: "beta").status == 0)
                let open = try await place.ticket(of: alpha, "--uses", "2")
                let before = try await listed()
                #expect(Set(before.map(\.state)) == ["used", "open"])
                #expect(before.first { $0.state == "used" }?.labels == ["region=eu"])
                #expect(before.first { $0.state == "used" }?.used_by.count == 1)
                let id = try #require(before.first { $0.state == "open" }?.id)
                let secret = try String(contentsOfFile: open, encoding: .utf8)
                #expect(!secret.contains(id))

                expectRefusal(
                    try await place.shoal("invite", "revoke", "ffff", "--dir", alpha.directory),
                    status: 64, saying: "no ticket", "invite list")
                try await place.succeed(
                    "invite", "revoke", String(id.prefix(10)), "--dir", alpha.directory)
                #expect(try await listed().first { $0.id == id }?.state == "withdrawn")
                // Its holder is told, by a node that was running all along.
                expectRefusal(
                    try await place.join(open, as: "gamma"), status: 77, saying: "withdrawn")
                #expect(!place.exists("gamma"))
            }
        }

        @Test func aDamagedTicketIsRefused() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                let text = try String(contentsOfFile: ticket, encoding: .utf8)
                let middle = text.index(text.startIndex, offsetBy: text.count / 2)
                let other: Character = text[middle] == "a" ? "b" : "a"
                var changed = text
                changed.replaceSubrange(middle...middle, with: String(other))
                for damaged in [changed, String(text.prefix(text.count / 2))] {
                    let file = try place.write(damaged, to: "damaged")
                    expectRefusal(
                        try await place.join(file, as: "beta"), status: 77, saying: "damaged")
                    expectRefusal(
                        try await place.join("-", as: "beta", input: damaged), status: 77,
                        saying: "damaged")
                }
                let prose = try place.write("Good morning!\n", to: "prose")
                expectRefusal(
                    try await place.join(prose, as: "beta"), status: 77, saying: "not a ticket")
                expectRefusal(
                    try await place.join(place.path("missing"), as: "beta"), status: 66,
                    saying: "missing")
                #expect(!place.exists("beta"))

                // Whole again, over standard input: it still lets one in.
                #expect(try await place.join("-", as: "beta", input: text).status == 0)
            }
        }

        @Test func onlyANodeThatMayCertifyInvites() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                #expect(try await place.join(ticket, as: "beta").status == 0)
                expectRefusal(
                    try await place.shoal("invite", "create", "--dir", place.path("beta")),
                    status: 77, saying: "issuer")
                expectRefusal(
                    try await place.shoal("mesh", "init", "--dir", place.path("beta")),
                    status: 78, saying: "already", "mesh-of-alpha")
                let json = try await place.succeed(
                    "invite", "create", "--dir", alpha.directory, "--json"
                ).object()
                #expect((json["ticket"] as? String)?.hasPrefix("shoal1-") == true)
            }
        }
    }
}
