import Foundation
import Testing

extension ProcessTests {
    @Suite struct ModelFileTests {
        private struct Reference: Decodable {
            var prompt: [Int32]
            var last_logits: [Float]
            var greedy: [Int32]

            var tokens: String { prompt.map(String.init).joined(separator: ",") }
        }

        private struct Evaluation: Decodable {
            var greedy: [Int32]
            var kernels: String
            var logits_digest: String?
        }

        private static let models = ["f32", "f16", "bf16", "q8_0", "q4_0"].map {
            "stories260K-\($0)"
        }

        private func fixture(_ name: String) -> String {
            Package.fixtures.appendingPathComponent(name).path
        }

        private func reference(_ model: String) throws -> Reference {
            try JSONDecoder().decode(
                Reference.self,
                from: Data(contentsOf: URL(fileURLWithPath: fixture("\(model).json"))))
        }

        @Test(arguments: models) func evalGivesTheReferenceTokens(model: String) async throws {
            let reference = try reference(model)
            try await Place.with { place in
                let report = try await place.succeed(
                    "gguf", "eval", fixture("\(model).gguf"), "--tokens", reference.tokens,
                    "--greedy", "48", "--kv", "f32", "--json"
                ).json(Evaluation.self)
                #expect(report.greedy == reference.greedy)
            }
        }

        @Test func evalWritesTheLogitsOfEveryPosition() async throws {
            let reference = try reference("stories260K-f32")
            try await Place.with { place in
                try await place.succeed(
                    "gguf", "eval", fixture("stories260K-f32.gguf"), "--tokens", reference.tokens,
                    "--kv", "f32", "--logits", place.path("logits"), "--json")
                let data = try Data(contentsOf: URL(fileURLWithPath: place.path("logits")))
                let rowBytes = reference.last_logits.count * 4
                #expect(data.count == reference.prompt.count * rowBytes)
                let last = Array(data.suffix(rowBytes))
                let values = stride(from: 0, to: last.count, by: 4).map { start in
                    Float(
                        bitPattern: last[start..<start + 4].reversed().reduce(0) {
                            $0 << 8 | UInt32($1)
                        })
                }
                let worst = zip(values, reference.last_logits).map { abs($0 - $1) }.max()
                #expect(try #require(worst) < 1e-3)
            }
        }

        @Test(arguments: models) func everyInstructionSetGivesTheSameBits(
            model: String
        ) async throws {
            let reference = try reference(model)
            try await Place.with { place in
                let arguments = [
                    "gguf", "eval", fixture("\(model).gguf"), "--tokens", reference.tokens,
                    "--greedy", "8", "--digest", "--json",
                ]
                let refused = try await place.start(
                    arguments, environment: ["SHOAL_ISA": "nonsense"]
                ).outcome()
                expectRefusal(refused, status: 64, saying: "SHOAL_ISA", "nonsense", "portable")
                // The error lists what this machine has, separated by commas.
                let available = ["portable", "avx2", "avx512", "neon"].filter {
                    refused.errors.contains($0)
                }
                var digests: Set<String> = []
                for set in available {
                    let outcome = try await place.start(
                        arguments, environment: ["SHOAL_ISA": set]
                    ).outcome()
                    #expect(outcome.status == 0, "\(outcome)")
                    let report = try outcome.json(Evaluation.self)
                    #expect(report.kernels == set)
                    digests.insert(try #require(report.logits_digest))
                }
                #expect(digests.count == 1)
            }
        }

        @Test(arguments: ["llama-spm", "phi-3", "llama-bpe", "bert-bge"])
        func tokenizeGivesTheReferenceTokens(
            vocabulary: String
        ) async throws {
            let base = Package.root.appendingPathComponent(
                "Tests/TokenizerTests/Fixtures/ggml-vocab-\(vocabulary).gguf"
            ).path
            let inputs = Package.root.appendingPathComponent(
                "Tests/TokenizerTests/Fixtures/ggml-vocab.inp")
            let texts = try String(contentsOf: inputs, encoding: .utf8)
                .components(separatedBy: "\n__ggml_vocab_test__\n")
            let rows = try String(contentsOfFile: base + ".out", encoding: .utf8)
                .split(separator: "\n", omittingEmptySubsequences: false)
            struct Report: Decodable { var tokens: [Int32] }
            // All of them are checked in the tokenizer's own tests; a few show that the command
            // takes a text byte for byte.
            try await Place.with { place in
                for index in stride(from: 0, to: texts.count - 1, by: 5) {
                    let file = try place.write(texts[index], to: "text")
                    let report = try await place.succeed(
                        "gguf", "tokenize", base, "--file", file, "--no-special", "--json"
                    ).json(Report.self)
                    #expect(
                        report.tokens == rows[index].split(separator: " ").compactMap { Int32($0) })
                }
            }
        }

        @Test func infoTellsWhatIsInAFile() async throws {
            try await Place.with { place in
                let json = try await place.succeed("gguf", "info", Package.model, "--json").object()
                let metadata = json["metadata"] as? [String: String]
                #expect(metadata?["general.architecture"] == "llama")
                #expect((json["tensors"] as? [Any])?.isEmpty == false)
                let text = try await place.succeed("gguf", "info", Package.model, "--tensors")
                #expect(text.output.contains("token_embd.weight"))
            }
        }

        /// Files that are no models, and what the error must say of each.
        private func badFiles(_ place: Place) throws -> [(path: String, says: String)] {
            let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Package.model)))
            var otherMagic = whole
            otherMagic[0] ^= 0x20
            // Counts that no file can hold.
            var hostile = Array(whole.prefix(8)) + [UInt8](repeating: 0xff, count: 16)
            hostile += noise(4000, seed: 2)
            // A count that fits, of entries that are noise.
            let corrupt = Array(whole.prefix(24)) + noise(whole.count - 24, seed: 3)
            return [
                (try place.write([], to: "empty.gguf"), "empty"),
                (try place.write(Array(whole.prefix(200)), to: "cut.gguf"), "ends"),
                (try place.write(Array(whole.dropLast(1000)), to: "short.gguf"), "would end"),
                (try place.write(otherMagic, to: "magic.gguf"), "not a GGUF file"),
                (try place.write(noise(5000, seed: 1), to: "noise.gguf"), "not a GGUF file"),
                (try place.write(hostile, to: "hostile.gguf"), "limit"),
                (try place.write(corrupt, to: "corrupt.gguf"), "limit"),
            ]
        }

        @Test func filesThatAreNoModelsAreRefused() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                let before = place.content(of: "alpha", except: ["run"])
                for (file, says) in try badFiles(place) {
                    let name = URL(fileURLWithPath: file).lastPathComponent
                    for command in [
                        ["gguf", "info", file], ["gguf", "tokenize", file, "--text", "a"],
                        ["gguf", "eval", file, "--tokens", "1"],
                        ["node", "run", "--dir", place.path("alpha"), "--model", file],
                    ] {
                        let outcome = try await place.start(command).outcome()
                        expectRefusal(outcome, status: 65, saying: says, name)
                    }
                }
                #expect(place.content(of: "alpha", except: ["run"]) == before)
            }
        }

        @Test func filesThatCannotBeReadAreRefused() async throws {
            try await Place.with { place in
                try await place.makeMesh("alpha")
                for file in [place.path("missing.gguf"), place.folder.path] {
                    for command in [
                        ["gguf", "info", file], ["gguf", "tokenize", file, "--text", "a"],
                        ["gguf", "eval", file, "--tokens", "1"],
                        ["node", "run", "--dir", place.path("alpha"), "--model", file],
                    ] {
                        expectRefusal(
                            try await place.start(command).outcome(), status: 66, saying: file)
                    }
                }
            }
        }

        @Test func tokensThatTheModelCannotTakeAreRefused() async throws {
            try await Place.with { place in
                let many = [String](repeating: "1", count: 600).joined(separator: ",")
                for (tokens, says) in [
                    ("1,512", "vocabulary"), ("-1", "vocabulary"), ("1,x", "'x'"), (",", "''"),
                    (many, "600"),
                ] {
                    expectRefusal(
                        try await place.shoal(
                            "gguf", "eval", Package.model, "--tokens=\(tokens)", "--logits",
                            place.path("logits")), status: 64, saying: says)
                    #expect(!place.exists("logits"))
                }
            }
        }
    }
}
