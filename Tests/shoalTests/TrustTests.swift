import Foundation
import Testing

extension ProcessTests {
    /// Who is in, and who is put out, with real processes.
    @Suite struct TrustTests {
        private struct Shown: Decodable {
            struct Mesh: Decodable {
                var name: String
                var authority_key_here: Bool
            }

            struct Own: Decodable {
                var name: String
                var id: String
                var roles: [String]
                var labels: [String]
                var serial: String
                var problem: String?
            }

            struct Issuer: Decodable {
                var name: String
                var state: String
            }

            struct GateKey: Decodable {
                var epoch: Int
                var superseded: Int
            }

            struct Revocation: Decodable {
                var kind: String
                var target: String
                var name: String?
                var reason: String
                var sequence: Int
            }

            var mesh: Mesh
            var certificate: Own
            var issuers: [Issuer]
            var gate_key: GateKey
            var revocations: [Revocation]
        }

        private func shown(_ place: Place, _ name: String) async throws -> Shown {
            try await place.succeed("mesh", "show", "--dir", place.path(name), "--json")
                .json(Shown.self)
        }

        /// A mesh of these nodes, each running; the first made it, and all others hold a model.
        private func mesh(
            _ place: Place, _ names: [String], tickets: [String: [String]] = [:]
        ) async throws -> [RunningNode] {
            var nodes = [try await place.runMesh(names[0])]
            for name in names.dropFirst() {
                let made = try await place.start(
                    ["invite", "create", "--dir", nodes[0].directory] + (tickets[name] ?? [])
                ).outcome()
                let joined = try await place.join("-", as: name, input: made.output)
                #expect(joined.status == 0, "\(joined)")
                nodes.append(try await place.run(name, ["--model", Package.model]))
            }
            for node in nodes {
                for other in nodes where other.name != node.name {
                    try await place.wait(for: other.name, toBe: "alive", at: node)
                }
            }
            return nodes
        }

        @Test func aRevokedNodeIsRefusedByAllAndByTheOneThatWasAwayBeforeItServes() async throws {
            try await Place.with { place in
                let names = ["alpha", "beta", "gamma", "delta", "omega"]
                let nodes = try await mesh(place, names)
                let (alpha, omega) = (nodes[0], nodes[4])
                // delta is away when it happens, and beta too.
                try await nodes[3].kill()
                try await nodes[1].kill()
                let revoked = try await place.succeed(
                    "mesh", "revoke", "omega", "--dir", alpha.directory, "--reason", "lost",
                    "--json")
                #expect(try revoked.object()["kind"] as? String == "node")
                for name in ["alpha", "gamma"] {
                    try await eventually("\(name) knows") {
                        try await shown(place, name).revocations.count == 1
                    }
                }
                let known = try await shown(place, "gamma")
                #expect(known.revocations.first?.reason == "lost")
                #expect(known.gate_key.epoch == 2 && known.gate_key.superseded == 1)
                for node in [nodes[0], nodes[2]] {
                    try await eventually("\(node.name) has no link to omega and counts it gone") {
                        let status = try await place.status(node)
                        let state = status.state(of: "omega")
                        return state != "alive" && state != "suspect"
                            && !status.links.contains { $0.peer == "omega" }
                    }
                }
                // omega itself is told, and says so; and what it asks is refused by everyone.
                try await eventually("omega is told\n\(omega.command.errors.suffix(2000))") {
                    try await place.status(omega).node.said_revoked?.isEmpty == false
                }
                #expect(omega.command.errors.contains("says that this node was revoked"))
                let doctor = try await place.shoal("doctor", "--dir", omega.directory)
                #expect(doctor.output.contains("that this node was revoked"), "\(doctor)")
                let asked = try await place.shoal(
                    "query", "Once", "--dir", omega.directory, "--max-tokens", "2", "--json")
                if asked.status == 0 {
                    #expect(try asked.json(QueryReport.self).shoal.node == "omega")
                }

                // Those that were away: one that is back hears it before it serves anybody.
                var running = [nodes[0], nodes[2], omega]
                for name in ["beta", "delta"] {
                    let back = try await place.run(name, ["--model", Package.model])
                    try await eventually("\(name) serves, \(back.command.errors.suffix(2000))") {
                        try await place.status(back).node.waiting_reason == nil
                    }
                    #expect(try await shown(place, name).revocations.count == 1)
                    #expect(
                        !(try await place.status(back)).links.contains { $0.peer == "omega" })
                    running.append(back)
                }
                // Back alone, a node serves nobody until it has heard from an issuer or enough others.
                let port = try #require(alpha.peerPort)
                for node in running { try await node.kill() }
                let alone = try await place.run("gamma", ["--model", Package.model])
                #expect(try await place.status(alone).node.waiting_reason != nil)
                _ = try await place.run("alpha", ["--peer-port", "\(port)"])
                try await eventually("gamma serves again\n\(alone.command.errors.suffix(2000))") {
                    try await place.status(alone).node.waiting_reason == nil
                }
            }
        }

        @Test func theGateKeyIsRolledAndANodeThatWasAwayFindsBack() async throws {
            try await Place.with { place in
                let nodes = try await mesh(place, ["alpha", "beta", "gamma"])
                try await nodes[1].kill()
                for epoch in 2...3 {
                    try await place.succeed("mesh", "rotate", "--dir", nodes[0].directory)
                    try await eventually("gamma uses epoch \(epoch)") {
                        try await place.status(nodes[2]).node.gate_key_epoch == epoch
                    }
                }
                let beta = try await place.run("beta", ["--model", Package.model])
                try await eventually("beta uses epoch 3\n\(beta.command.errors.suffix(3000))") {
                    try await place.status(beta).node.gate_key_epoch == 3
                }
                for name in ["alpha", "gamma"] {
                    try await place.wait(for: name, toBe: "alive", at: beta)
                }
            }
        }

        @Test func aSecondIssuerIsCertifiedWithAnAuthorityThatIsKeptElsewhere() async throws {
            try await Place.with { place in
                let key = place.path("authority")
                let made = try await place.start(
                    [
                        "mesh", "init", "--dir", place.path("alpha"), "--node-name", "alpha",
                        "--name", "mesh-of-alpha", "--offline-authority", key, "--peer-host",
                        "127.0.0.1", "--peer-port", "0", "--http-port", "0",
                    ]
                ).outcome()
                #expect(made.status == 0, "\(made)")
                #expect(!place.exists("alpha/mesh/authority.key"))
                let alpha = try await place.run("alpha")
                let joined = try await place.join(
                    try await place.ticket(of: alpha), as: "beta")
                #expect(joined.status == 0, "\(joined)")
                let beta = try await place.run("beta")
                try await place.wait(for: "beta", toBe: "alive", at: alpha)

                expectRefusal(
                    try await place.shoal(
                        "mesh", "certify", "beta", "--issuer", "--dir", alpha.directory),
                    status: 78, saying: "--authority")
                let grant = try await place.succeed(
                    "mesh", "certify", "beta", "--issuer", "--dir", alpha.directory, "--authority",
                    key)
                #expect(grant.output.hasPrefix("shoalcert1-"))
                expectRefusal(
                    try await place.shoal(
                        "mesh", "certify", "--install", "-", "--dir", alpha.directory,
                        input: grant.output), status: 78, saying: "another node")
                try await place.succeed(
                    "mesh", "certify", "--install", "-", "--dir", beta.directory,
                    input: grant.output)
                try await eventually("alpha knows two issuers, and beta says that it is one") {
                    let valid = try await shown(place, "alpha").issuers.count {
                        $0.state == "valid"
                    }
                    let roles = try await place.status(beta).node.roles
                    return valid == 2 && roles.contains("issuer")
                }
                // It lets others in, without having been started again.
                let third = try await place.join(
                    try await place.ticket(of: beta), as: "gamma")
                #expect(third.status == 0, "\(third)")
                let gamma = try await place.run("gamma")
                try await place.wait(for: "alpha", toBe: "alive", at: gamma)

                // An issuer is put out by the authority alone, with what it issued.
                expectRefusal(
                    try await place.shoal(
                        "mesh", "revoke", "--issuer", "beta", "--dir", alpha.directory),
                    status: 78, saying: "--authority")
                try await place.succeed(
                    "mesh", "revoke", "--issuer", "beta", "--dir", alpha.directory, "--authority",
                    key)
                #expect(try await shown(place, "alpha").issuers.map(\.state).sorted() == ["valid"])
                try await eventually("gamma's certificate is void") {
                    try await place.status(alpha).state(of: "gamma") != "alive"
                }
            }
        }

        @Test func aRevocationOfOneselfOrOfNothingKnownIsRefusedAndASecondOneDoesNothing()
            async throws
        {
            try await Place.with { place in
                let nodes = try await mesh(place, ["alpha", "beta"])
                let alpha = nodes[0].directory
                let own = try await shown(place, "alpha").certificate
                func revoke(_ arguments: String...) async throws -> Outcome {
                    try await place.start(["mesh", "revoke", "--dir", alpha] + arguments)
                        .outcome()
                }
                expectRefusal(try await revoke("alpha"), status: 64, saying: "this node itself")
                expectRefusal(
                    try await revoke("--issuer", "alpha"), status: 64, saying: "own certificate")
                expectRefusal(
                    try await revoke("--serial", own.serial), status: 64, saying: "this node itself"
                )
                expectRefusal(
                    try await revoke("--serial", "12"), status: 64, saying: own.serial)
                let stranger = String(repeating: "5e", count: 32)
                expectRefusal(try await revoke(stranger), status: 64, saying: "beta")
                #expect(try await shown(place, "alpha").revocations.isEmpty)
                #expect(try await shown(place, "alpha").gate_key.epoch == 1)

                #expect(try await revoke(stranger, "--unknown").status == 0)
                #expect(try await revoke("--serial", "12", "--unknown").status == 0)
                #expect(try await revoke("beta", "--reason", "lost").status == 0)
                #expect(try await shown(place, "alpha").gate_key.epoch == 4)
                for target in [["beta"], [stranger], ["--serial", "12"]] {
                    let again = try await place.start(
                        ["mesh", "revoke", "--dir", alpha] + target
                    ).outcome()
                    #expect(again.status == 0)
                    #expect(again.output.contains("revoked already"), "\(again)")
                }
                #expect(try await shown(place, "alpha").gate_key.epoch == 4)
            }
        }

        @Test func aClientAsksAndIsNeverRoutedTo() async throws {
            try await Place.with { place in
                let nodes = try await mesh(
                    place, ["alpha", "beta"], tickets: ["beta": ["--role", "client"]])
                #expect(try await shown(place, "beta").certificate.roles == ["client"])
                try await place.wait(
                    for: "beta", toBe: "alive", at: nodes[0], offering: Package.modelName)
                expectRefusal(
                    try await place.shoal(
                        "query", "Once", "--dir", nodes[0].directory, "--max-tokens", "2"),
                    status: 69, saying: Package.modelName)
                // With other roles, made where the issuer is, it serves; it is not started again.
                let grant = try await place.succeed(
                    "mesh", "certify", "beta", "--role", "server", "--label", "region=eu", "--dir",
                    nodes[0].directory)
                try await place.succeed(
                    "mesh", "certify", "--install", "-", "--dir", nodes[1].directory,
                    input: grant.output)
                #expect(try await shown(place, "beta").certificate.labels == ["region=eu"])
                try await eventually("alpha's question is answered by beta") {
                    let asked = try await place.shoal(
                        "query", "Once", "--dir", nodes[0].directory, "--max-tokens", "2",
                        "--json")
                    return asked.status == 0
                }
            }
        }

        @Test func keysUnderAPassphraseAreOfNoUseWithoutIt() async throws {
            try await Place.with { place in
                let file = try place.write("correct horse battery\n", to: "passphrase")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: file)
                let made = try await place.start(
                    [
                        "mesh", "init", "--dir", place.path("alpha"), "--node-name", "alpha",
                        "--peer-host", "127.0.0.1", "--peer-port", "0", "--http-port", "0",
                        "--key-passphrase-file", file,
                    ]
                ).outcome()
                #expect(made.status == 0, "\(made)")
                expectRefusal(
                    try await place.shoal("node", "run", "--dir", place.path("alpha")),
                    status: 78, saying: "--key-passphrase-file")
                let other = try place.write("another\n", to: "other")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: other)
                expectRefusal(
                    try await place.shoal(
                        "invite", "list", "--dir", place.path("alpha"), "--key-passphrase-file",
                        other), status: 78, saying: "another passphrase")
                let alpha = try await place.run("alpha", ["--key-passphrase-file", file])
                let ticket = try await place.succeed(
                    "invite", "create", "--dir", alpha.directory,
                    environment: ["SHOAL_KEY_PASSPHRASE_FILE": file])
                let joined = try await place.join("-", as: "beta", input: ticket.output)
                #expect(joined.status == 0, "\(joined)")
            }
        }

        @Test func twoNodesThatOnlyDialOutAnswerEachOtherThroughAThird() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                for name in ["beta", "gamma"] {
                    let joined = try await place.join(
                        try await place.ticket(of: alpha), as: name)
                    #expect(joined.status == 0, "\(joined)")
                }
                let beta = try await place.run("beta", ["--dial-out-only"])
                let gamma = try await place.run(
                    "gamma", ["--dial-out-only", "--model", Package.model])
                try await place.wait(
                    for: "gamma", toBe: "alive", at: beta, offering: Package.modelName)
                let asked = try await place.succeed(
                    "query", "Once upon a time", "--dir", beta.directory, "--max-tokens", "8",
                    "--json")
                let answer = try asked.json(QueryReport.self)
                #expect(answer.shoal.node == "gamma")
                #expect(answer.shoal.through == "alpha")
                let plain = try await place.succeed(
                    "query", "Once upon a time", "--dir", beta.directory, "--max-tokens", "8",
                    "--explain")
                #expect(plain.output.contains("through alpha"))
                let status = try await place.succeed("status", "--dir", beta.directory)
                #expect(status.output.contains("through alpha"))
                _ = gamma
            }
        }
    }
}
