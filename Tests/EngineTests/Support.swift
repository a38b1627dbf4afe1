import Foundation
import Model
import Synchronization
import Tokenizer

@testable import Engine

struct MissingFixture: Error {}

/// The path of a file in `Fixtures`.
func fixturePath(_ name: String) throws -> String {
    guard let folder = Bundle.module.url(forResource: "Fixtures", withExtension: nil) else {
        throw MissingFixture()
    }
    return folder.appendingPathComponent(name).path
}

/// A model whose logits are a hash of every token of the sequence, read back from its pages: a
/// wrong position, a lost or doubled token, or a page of another sequence shows at once.
final class HashModel: BatchModel {
    let vocabularySize = 259
    let contextLength: Int
    /// While false, forward passes wait; cancelling ends the wait.
    let isOpen: Atomic<Bool>
    /// The token with the highest logit when the sequence holds so many tokens.
    let forced: [Int: Int32]
    /// What a logit is when the sequence holds so many tokens.
    let broken: Int?
    /// Whether a hash looks at the last token only, so that answers repeat themselves.
    let isShortSighted: Bool
    let makesEmbeddings: Bool
    let weightBytes: Int
    let passes = Atomic<Int>(0)
    let rows = Atomic<Int>(0)
    let widest = Atomic<Int>(0)

    init(
        contextLength: Int = 64, isOpen: Bool = true, forced: [Int: Int32] = [:],
        broken: Int? = nil, isShortSighted: Bool = false, makesEmbeddings: Bool = false,
        weightBytes: Int = 0
    ) {
        self.weightBytes = weightBytes
        self.contextLength = contextLength
        self.isOpen = Atomic(isOpen)
        self.forced = forced
        self.broken = broken
        self.isShortSighted = isShortSighted
        self.makesEmbeddings = makesEmbeddings
    }

    func open() { isOpen.store(true, ordering: .relaxed) }

    var runnerBytes: Int { 0 }

    func bytesPerPage(_ kv: KVType) -> Int? { 1024 * (kv == .f32 ? 2 : 1) }

    func makeRunner(pageCount: Int, kv: KVType) throws(EngineError) -> any BatchRunner {
        HashRunner(model: self, pageCount: pageCount)
    }

    func makeEmbedder() throws(EngineError) -> any TextEmbedder { HashEmbedder(model: self) }

    /// The logits after `tokens`.
    func row(_ tokens: [Int32]) -> [Float] {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for token in isShortSighted ? tokens.suffix(1) : tokens[...] {
            hash = (hash ^ UInt64(token)) &* 0x100_0000_01B3
        }
        if broken == tokens.count { return [Float](repeating: .nan, count: 259) }
        return (0..<vocabularySize).map { id in
            if forced[tokens.count] == Int32(id) { return 100 }
            // Never the end of the sequence unless forced.
            if id < 3 { return -100 }
            let mixed = (hash ^ UInt64(id)) &* 0x9E37_79B9_7F4A_7C15
            return Float(mixed >> 40) * 0x1p-20
        }
    }
}

final class HashRunner: BatchRunner {
    private let model: HashModel
    private var pages: [[Int32]]

    init(model: HashModel, pageCount: Int) {
        self.model = model
        pages = Array(
            repeating: Array(repeating: -1, count: EngineLimits.pagePositions), count: pageCount)
    }

    func copy(page: Int32, to: Int32) { pages[Int(to)] = pages[Int(page)] }

    func split(_ count: Int, _ body: (Range<Int>) -> Void) { body(0..<count) }

    func forward(
        _ entries: [Step.Entry], isCancelled: () -> Bool
    ) throws(EngineError) -> [[Float]] {
        model.passes.add(1, ordering: .relaxed)
        model.rows.add(entries.reduce(0) { $0 + $1.tokens.count }, ordering: .relaxed)
        model.widest.max(entries.count, ordering: .relaxed)
        while !model.isOpen.load(ordering: .relaxed) {
            guard !isCancelled() else { throw .cancelled }
            usleep(1000)
        }
        let size = EngineLimits.pagePositions
        // All are written before any is read: who shares a page wrongly is found out.
        for entry in entries {
            for (offset, token) in entry.tokens.enumerated() {
                let position = entry.start + offset
                pages[Int(entry.pages[position / size])][position % size] = token
            }
        }
        var result: [[Float]] = []
        for entry in entries {
            let end = entry.start + entry.tokens.count
            let tokens = (0..<end).map { pages[Int(entry.pages[$0 / size])][$0 % size] }
            switch entry.rows {
            case .none: result.append([])
            case .last: result.append(model.row(tokens))
            case .all:
                result.append((entry.start + 1...end).flatMap { model.row(Array(tokens[..<$0])) })
            }
            // As a real model finds out: for the whole pass.
            if result.last?.contains(where: \.isNaN) ?? false {
                throw .notANumber(reason: "broken")
            }
        }
        return result
    }
}

final class HashEmbedder: TextEmbedder {
    private let model: HashModel

    init(model: HashModel) { self.model = model }

    func embed(
        _ texts: [[Int32]], isCancelled: () -> Bool
    ) throws(EngineError) -> [[Float]] {
        model.passes.add(1, ordering: .relaxed)
        while !model.isOpen.load(ordering: .relaxed) {
            guard !isCancelled() else { throw .cancelled }
            usleep(1000)
        }
        return texts.map { [Float($0.count), Float($0.reduce(0, +))] }
    }
}

/// A tokenizer of bytes: 0 unknown, 1 begins, 2 ends, 3 + b is the byte b.
func byteTokenizer() throws -> SentencePieceTokenizer {
    var options = Vocabulary.Options()
    options.bos = 1
    options.eos = 2
    options.unknown = 0
    options.addsSpacePrefix = false
    var tokens = ["<unk>", "<s>", "</s>"]
    for byte in 0...255 {
        let digits = String(byte, radix: 16, uppercase: true)
        tokens.append("<0x\(digits.count == 1 ? "0" : "")\(digits)>")
    }
    return try SentencePieceTokenizer(
        Vocabulary(
            tokens: tokens.map { Array($0.utf8) }, scores: [],
            types: [2, 3, 3] + [Int32](repeating: 6, count: 256), options: options))
}

/// The tokens that spell `text`.
func spelled(_ text: String) -> [Int32] { text.utf8.map { Int32($0) + 3 } }

/// An engine over a hash model.
func hashEngine(
    _ model: HashModel, _ configuration: EngineConfiguration = EngineConfiguration()
) throws -> Engine {
    try Engine(
        info: EngineModelInfo(
            name: "hash", architecture: "hash", contextLength: model.contextLength,
            vocabularySize: 259, parameterCount: 0, fileByteCount: 0, quantisation: ""),
        model: model, tokenizer: byteTokenizer(), configuration: configuration)
}

/// What a whole stream gave.
struct Answer: Equatable {
    var tokens: [UInt32: [Int32]] = [:]
    var firstIndex: [UInt32: UInt32] = [:]
    var reasons: [UInt32: FinishReason] = [:]
    var usage: EngineUsage?

    /// The ends, without the times.
    static func == (left: Answer, right: Answer) -> Bool {
        left.tokens == right.tokens && left.reasons == right.reasons
    }
}

/// Reads a stream to its end, checking the order of its events.
func read(_ stream: EngineStream) async throws -> Answer {
    var answer = Answer()
    var accepted = false
    for try await event in stream {
        switch event {
        case .accepted:
            precondition(!accepted && answer.tokens.isEmpty)
            accepted = true
        case .token(let choice, let index, let id, _, _):
            precondition(accepted && answer.reasons[choice] == nil)
            let first = answer.firstIndex[choice] ?? index
            answer.firstIndex[choice] = first
            precondition(Int(index - first) == answer.tokens[choice, default: []].count)
            answer.tokens[choice, default: []].append(id)
        case .finished(let choice, let reason): answer.reasons[choice] = reason
        case .completed(let usage): answer.usage = usage
        }
    }
    return answer
}

struct NeverHappened: Error {}

/// Waits for another thread to bring `condition` about.
func eventually(_ condition: () -> Bool) async throws {
    for _ in 0..<6000 {
        if condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw NeverHappened()
}
