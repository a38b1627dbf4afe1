import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension ProcessTests {
    @Suite struct FewFilesTests {
        @Test func idleConnectionsOverTheNetworkKeepNoCommandAndNoJoinerOut() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                let alpha = try await place.run(
                    "alpha", ["--model", Package.model],
                    runner: ["/bin/sh", "-c", #"ulimit -n 100; exec "$0" "$@""#])
                let ticket = try await place.ticket(of: alpha)
                let port = try #require(
                    alpha.http.split(separator: ":").last.flatMap { UInt16($0) })
                var connections: [Int32] = []
                defer { connections.forEach { _ = close($0) } }
                for _ in 0..<150 { connections.append(try Loopback.stream(to: port)) }
                // They have all been taken that will be.
                try await Task.sleep(for: .milliseconds(500))

                let began = ContinuousClock.now
                let answer = try await place.succeed(
                    "query", "Once upon a time", "--dir", alpha.directory, "--max-tokens", "4",
                    "--json"
                ).json(QueryReport.self)
                #expect(answer.usage.completion_tokens == 4)
                #expect(try await place.join(ticket, as: "beta").status == 0)
                #expect(ContinuousClock.now - began < .seconds(25))
                // Doctor knows the node's own limit.
                let doctor = try await place.shoal("doctor", "--dir", alpha.directory)
                #expect(doctor.output.contains("up to 100 for the node"), "\(doctor)")
            }
        }

        @Test func aQuestionToWhatNeverAnswersEndsWithASentence() async throws {
            try await Place.with { place in
                let (descriptor, port) = try Loopback.listener()
                defer { close(descriptor) }
                expectRefusal(
                    try await place.shoal("query", "Hello", "--url", "http://127.0.0.1:\(port)"),
                    status: 69, saying: "did not answer within", "shoal doctor")
            }
        }

        @Test func aPageOfTheBrowserAndAForeignNameAreRefusedByARunningNode() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let port = try #require(
                    alpha.http.split(separator: ":").last.flatMap { UInt16($0) })
                for head in [
                    "Host: evil.example", "Host: localhost\r\nOrigin: http://evil.example",
                ] {
                    let (bytes, _) = try await Loopback.exchange(
                        Array(
                            "GET /v1/models HTTP/1.1\r\n\(head)\r\nConnection: close\r\n\r\n".utf8
                        ),
                        port: port)
                    let answer = String(decoding: bytes, as: UTF8.self)
                    #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(answer)")
                    #expect(answer.contains("config.json"))
                }
                // Its own commands are not concerned.
                try await place.succeed("status", "--dir", alpha.directory)
                try await place.succeed("status", "--url", alpha.http)
                _ = try await alpha.stop()

                let open = try await place.run("alpha", ["--http-host", "0.0.0.0"])
                #expect(open.command.errors.contains("whoever reaches it can ask"))
                let doctor = try await place.shoal("doctor", "--dir", alpha.directory)
                #expect(doctor.output.contains("anyone who reaches it can ask"), "\(doctor)")
                _ = try await open.stop()
                try place.write(
                    #"{"peerHost": "127.0.0.1", "peerPort": 0, "httpHost": "0.0.0.0", "#
                        + #""httpPort": 0, "httpOrigins": ["evil.example"]}"#,
                    to: "alpha/config.json")
                expectRefusal(
                    try await place.shoal("node", "run", "--dir", alpha.directory), status: 64,
                    saying: "evil.example", "httpOrigins")
            }
        }

        @Test func aSealedNodeThatRunsIsExaminedByItsOwnWord() async throws {
            try await Place.with { place in
                let passphrase = try place.write("correct horse\n", to: "passphrase")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: passphrase)
                let alpha = try await place.runMesh("alpha")
                let ticket = try await place.ticket(of: alpha)
                try await place.succeed(
                    "join", ticket, "--yes", "--dir", place.path("beta"), "--node-name", "beta",
                    "--peer-host", "127.0.0.1", "--peer-port", "0", "--http-port", "0",
                    "--key-passphrase-file", passphrase)
                let beta = try await place.run("beta", ["--key-passphrase-file", passphrase])
                try await place.wait(for: "alpha", toBe: "alive", at: beta)
                let running = try await place.shoal("doctor", "--dir", beta.directory)
                #expect(running.status == 0, "\(running)")
                #expect(running.output.contains("the running node has other members"))
                _ = try await beta.stop()
                let stopped = try await place.shoal("doctor", "--dir", beta.directory)
                #expect(stopped.status == 0, "\(stopped)")
                #expect(
                    stopped.output.contains("the identity is sealed, and the node does not run"))
            }
        }
    }
}
