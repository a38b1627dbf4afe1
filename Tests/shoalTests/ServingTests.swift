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
