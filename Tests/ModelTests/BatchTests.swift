import GGUF
import Kernels
import Model
import Testing

/// Pages for some sequences, dealt out in no order.
struct Book {
    let model: LoadedModel
    let pages: KVPages
    let workspace: Workspace
    private var tables: [[Int32]]

    init(
        _ model: LoadedModel, sequences: Int, capacity: Int, type: KVType, threads: Int = 1,
        seed: UInt64 = 1
    ) throws {
        let each = KVPages.pages(for: capacity)
        self.model = model
        pages = try KVPages(
            configuration: model.configuration, pageCount: each * sequences + 3, type: type)
        workspace = try Workspace(model: model, workers: WorkerPool(threads: threads))
        var random = SeededRandom(seed: seed)
        let shuffled = (0..<Int32(pages.pageCount)).shuffled(using: &random)
        tables = (0..<sequences).map { Array(shuffled[$0 * each..<($0 + 1) * each]) }
    }

    func entry(
        _ sequence: Int, _ tokens: [Int32], at start: Int, _ logits: LogitsRows = .all
    ) -> BatchEntry {
        BatchEntry(tokens: tokens, start: start, pages: tables[sequence], logits: logits)
    }

    func run(_ entries: [BatchEntry], isCancelled: () -> Bool = { false }) throws -> [[UInt32]] {
        try model.forward(
            batch: entries, pages: pages, workspace: workspace, isCancelled: isCancelled
        ).map { $0.map(\.bitPattern) }
    }
}

/// A sequence's logits depend on its own tokens alone.
@Suite struct BatchTests {
    private func tokens(_ model: LoadedModel, _ count: Int, seed: UInt64) -> [Int32] {
        var random = SeededRandom(seed: seed)
        let vocabulary = Int32(model.configuration.vocabularySize)
        return (0..<count).map { _ in Int32.random(in: 0..<vocabulary, using: &random) }
    }

    private func bits(_ rows: [[Float]]) -> [UInt32] { rows.joined().map(\.bitPattern) }

    @Test(
        "Prefills and decodes of one batch give the bits they give alone",
        arguments: ["stories260K-q4_0", "tiny-kquant-q4_k", "tiny-kquant-q8_0"]
            + Fixture.singles.filter { $0.hasPrefix("tiny-") })
    func mixed(name: String) throws {
        let model = try Fixture.model(name)
        for type in KVType.allCases where type.fits(model.configuration) {
            let texts = [150, 1, 70, 33].enumerated().map {
                tokens(model, $1, seed: UInt64($0))
            }
            let alone = try texts.map { bits(try model.logits(of: $0, type: type)) }
            let book = try Book(model, sequences: 4, capacity: 256, type: type, threads: 3)
            // Most of the third and the fourth, then all together.
            _ = try book.run([
                book.entry(2, Array(texts[2][..<69]), at: 0, .none),
                book.entry(3, Array(texts[3][..<20]), at: 0, .last),
            ])
            let found = try book.run([
                book.entry(2, [texts[2][69]], at: 69, .last),
                book.entry(0, texts[0], at: 0),
                book.entry(1, texts[1], at: 0, .last),
                book.entry(3, Array(texts[3][20...]), at: 20),
            ])
            let vocabulary = model.configuration.vocabularySize
            #expect(found[0] == Array(alone[2].suffix(vocabulary)), "\(type)")
            #expect(found[1] == alone[0], "\(type)")
            #expect(found[2] == alone[1], "\(type)")
            #expect(found[3] == Array(alone[3].suffix(13 * vocabulary)), "\(type)")
        }
    }

    @Test("Many sequences decode together as each does alone")
    func decoding() throws {
        let model = try Fixture.model("tiny-kquant-q8_0")
        let texts = (0..<12).map { tokens(model, 9 + $0, seed: UInt64($0)) }
        let book = try Book(model, sequences: 12, capacity: 64, type: .f16, threads: 2)
        let prompts = texts.enumerated().map { book.entry($0, Array($1.dropLast()), at: 0, .none) }
        #expect(try book.run(prompts).allSatisfy(\.isEmpty))
        let found = try book.run(
            texts.enumerated().map { book.entry($0, $1.suffix(1), at: $1.count - 1, .last) })
        for (text, row) in zip(texts, found) {
            #expect(try row == bits([#require(model.logits(of: text, type: .f16).last)]))
        }
    }

    @Test("A batch longer than a pass is divided without a trace")
    func severalPasses() throws {
        let model = try Fixture.model("stories260K-q8_0")
        let half = ModelLimits.tokensPerPass / 2
        let texts = (0..<4).map { tokens(model, half + 7 * $0, seed: UInt64($0)) }
        let book = try Book(model, sequences: 4, capacity: half + 64, type: .f32)
        let found = try book.run(texts.enumerated().map { book.entry($0, $1, at: 0) })
        for (text, rows) in zip(texts, found) {
            #expect(try rows == bits(model.logits(of: text, chunk: 50)))
        }
    }

    @Test("A page copied for a second sequence lets it go on by itself")
    func copiedPage() throws {
        let model = try Fixture.model("tiny-llama-f32")
        let prefix = tokens(model, 80, seed: 1)
        let (first, second) = (tokens(model, 5, seed: 2), tokens(model, 5, seed: 3))
        let pages = try KVPages(
            configuration: model.configuration, pageCount: 4, type: .q8)
        let workspace = try Workspace(model: model, workers: WorkerPool(threads: 1))
        func run(_ tokens: [Int32], at start: Int, _ table: [Int32]) throws -> [UInt32] {
            let entry = BatchEntry(tokens: tokens, start: start, pages: table, logits: .all)
            return bits(try model.forward(batch: [entry], pages: pages, workspace: workspace))
        }
        _ = try run(prefix, at: 0, [3, 1])
        pages.copy(page: 1, to: 2)
        let vocabulary = model.configuration.vocabularySize
        let expected = try [first, second].map {
            bits(try model.logits(of: prefix + $0, type: .q8)).suffix(5 * vocabulary)
        }
        #expect(try run(first, at: 80, [3, 1]) == Array(expected[0]))
        #expect(try run(second, at: 80, [3, 2]) == Array(expected[1]))
        #expect(try run(first, at: 80, [3, 1]) == Array(expected[0]))
    }

    @Test("A pass cancelled at any question can be run again", arguments: ["tiny-moe-f32"])
    func cancelled(name: String) throws {
        let model = try Fixture.model(name)
        let text = tokens(model, 40, seed: 5)
        let expected = bits(try model.logits(of: text))
        let book = try Book(model, sequences: 1, capacity: 64, type: .f32, threads: 2)
        _ = try book.run([book.entry(0, Array(text[..<30]), at: 0, .none)])
        let vocabulary = model.configuration.vocabularySize
        var last = 0
        for patience in 0..<1000 {
            var asked = 0
            do {
                let rows = try book.run([book.entry(0, Array(text[30...]), at: 30)]) {
                    asked += 1
                    return asked > patience
                }
                #expect(rows[0] == Array(expected.suffix(10 * vocabulary)))
                last = asked
                break
            } catch {
                #expect(error as? ModelError == .cancelled)
            }
        }
        // Two layers of attention and experts, and the logits.
        #expect(last > 10)
    }

    @Test("Page tables that do not cover their tokens, or name no page, are refused")
    func badPages() throws {
        let model = try Fixture.model("stories260K-f32")
        let pages = try KVPages(configuration: model.configuration, pageCount: 2, type: .f16)
        let workspace = try Workspace(model: model, workers: WorkerPool(threads: 1))
        func error(_ start: Int, _ count: Int, _ table: [Int32]) -> ModelError? {
            let entry = BatchEntry(
                tokens: Array(repeating: 1, count: count), start: start, pages: table,
                logits: .last)
            return #expect(throws: ModelError.self) {
                _ = try model.forward(batch: [entry], pages: pages, workspace: workspace)
            }
        }
        for (start, count, table) in [
            (0, 1, []), (0, 65, [0]), (64, 1, [0]), (0, 1, [2]), (0, 1, [-1]), (63, 2, [0, 9]),
        ] as [(Int, Int, [Int32])] {
            guard case .badPages = error(start, count, table) else {
                Issue.record("\(start), \(count), \(table)")
                continue
            }
        }
        let context = model.configuration.contextLength
        let table = [Int32](repeating: 0, count: 100)
        #expect(error(context, 1, table) == .contextFull(needed: context + 1, capacity: context))
        #expect(error(.max, 1, table) == .contextFull(needed: .max, capacity: context))
        #expect(error(-1, 1, table) == .contextFull(needed: 0, capacity: context))
        #expect(error(0, 0, table) == .noTokens)
        #expect(throws: ModelError.self) {
            _ = try KVPages(configuration: model.configuration, pageCount: 0, type: .f16)
        }
        // Heads of 8 elements are no blocks of 32.
        #expect(KVPages.bytesPerPage(model.configuration, type: .q8) == 0)
        #expect(throws: ModelError.self) {
            _ = try KVPages(configuration: model.configuration, pageCount: 1, type: .q8)
        }
    }

    @Test("An empty batch gives nothing")
    func empty() throws {
        let model = try Fixture.model("stories260K-f32")
        #expect(try Book(model, sequences: 1, capacity: 64, type: .f32).run([]).isEmpty)
    }
}
