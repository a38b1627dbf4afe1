import Foundation
import Testing

extension ProcessTests {
    @Suite struct ServingTests {
        /// A mesh of alpha, without a model, and beta, which holds the demo model.
        private func pair(
            _ place: Place, betaOptions: [String] = []
        ) async throws -> (alpha: RunningNode, beta: RunningNode) {
            let alpha = try await place.runMesh("alpha")
            let joined = try await place.join(try await place.ticket(of: alpha), as: "beta")
            #expect(joined.status == 0, "\(joined)")
            let beta = try await place.run("beta", ["--model", Package.model] + betaOptions)
            try await place.wait(
                for: "beta", toBe: "alive", at: alpha, offering: Package.modelName)
            return (alpha, beta)
        }

        @Test func aNodeThatOnlyDialsOutServes() async throws {
            try await Place.with { place in
                let (alpha, beta) = try await pair(place, betaOptions: ["--dial-out-only"])
                #expect(beta.peerPort == nil)
                let seen = try await place.status(alpha).members.first { $0.name == "beta" }
                #expect(seen?.reachability == "outbound only")
                let answer = try await place.succeed(
                    "query", "Once upon a time", "--dir", alpha.directory, "--max-tokens", "16",
                    "--json"
                ).json(QueryReport.self)
                #expect(answer.shoal.node == "beta")
                #expect(answer.usage.completion_tokens == 16)
            }
        }

        @Test func aNodeTellsWhatItRunsHowFastAndWhatItHasCached() async throws {
            try await Place.with { place in
                let alpha = try await place.runMesh("alpha")
                let joined = try await place.join(try await place.ticket(of: alpha), as: "beta")
                #expect(joined.status == 0, "\(joined)")
                // What a person would write into the file.
                let file = URL(fileURLWithPath: place.path("beta/config.json"))
                var settings = try #require(
                    JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
                settings["aliases"] = ["chat": ["a-big-one", Package.modelName]]
                try JSONSerialization.data(withJSONObject: settings).write(to: file)
                _ = try await place.run("beta", ["--model", Package.model])

                func beta() async throws -> StatusReport.Member? {
                    try await place.status(alpha).member("beta")
                }
                try await eventually("alpha knows how fast beta is, before anybody asked") {
                    try await beta()?.speeds.first.map {
                        $0.model == Package.modelName && $0.prefill_tokens_per_second > 0
                            && $0.decode_tokens_per_second > 0
                    } ?? false
                }
                let idle = try #require(await beta())
                #expect(idle.software?.hasPrefix("shoal ") == true)
                #expect(idle.cached_prefixes == 0)
                #expect((idle.load?.free_kv_tokens ?? 0) > 0)
                let model = try #require(await place.status(alpha).models.first)
                #expect(model.format == "Q8_0")
                #expect(model.rungs == [.init(alias: "chat", rung: 1)])

                // More than one page of a prompt, asked by way of alpha.
                let prompt = String(repeating: "Once upon a time there was a cat. ", count: 12)
                let answer = try await place.succeed(
                    "query", prompt, "--dir", alpha.directory, "--max-tokens", "4", "--json"
                ).json(QueryReport.self)
                #expect(answer.shoal.node == "beta" && answer.usage.prompt_tokens > 64)
                try await eventually("alpha knows that beta has some of it") {
                    (try await beta()?.cached_prefixes ?? 0) > 0
                }
            }
        }

        @Test func withoutTheOnlyHolderTheErrorSaysSo() async throws {
            try await Place.with { place in
                let (alpha, beta) = try await pair(place)
                try await beta.kill()
                // Before alpha knows, and once it knows.
                let query = ["query", "Hello", "--dir", alpha.directory, "--model"]
                expectRefusal(
                    try await place.start(query + [Package.modelName]).outcome(), status: 69,
                    saying: "beta")
                try await place.wait(for: "beta", toBe: "dead", at: alpha)
                expectRefusal(
                    try await place.start(query + [Package.modelName]).outcome(), status: 69,
                    saying: Package.modelName, "beta", "none of them can be reached")
                let answer = try await HTTPAnswer.of(
                    alpha.http, "/v1/completions",
                    body: #"{"model": "\#(Package.modelName)", "prompt": "Hello"}"#)
                #expect(answer.status == 503)
                #expect(answer.errorMessage?.contains("beta") == true)

                // Back again, it serves again.
                _ = try await place.run("beta", ["--model", Package.model])
                try await place.wait(
                    for: "beta", toBe: "alive", at: alpha, offering: Package.modelName)
                let back = try await place.succeed(
                    "query", "Hello", "--dir", alpha.directory, "--max-tokens", "4", "--json"
                ).json(QueryReport.self)
                #expect(back.shoal.node == "beta")
            }
        }
    }
}
