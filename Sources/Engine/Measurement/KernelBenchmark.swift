import GGUF
public import Kernels
public import Model

/// How fast a model file runs here, beside what the machine could do at most.
///
/// For each number of threads, each batch and each depth: prefill (a prompt of each sequence at
/// once, the logits of its last token) and decode (one token of each sequence at a time). Token ids
/// are arbitrary: speed does not depend on what they say. Runs on the calling thread.
public struct KernelBenchmark: Sendable {
    /// What to measure.
    public struct Plan: Sendable, Hashable {
        /// Numbers of threads.
        public var threads: [Int]
        /// Tokens of each prompt.
        public var prompt: Int
        /// Tokens decoded after one another, of each sequence.
        public var generate: Int
        /// Numbers of sequences that run together.
        public var batches: [Int]
        /// Numbers of tokens that each sequence holds before.
        public var depths: [Int]
        /// How keys and values are kept.
        public var kv: KVType
        /// Times that each figure is measured; the median counts.
        public var rounds: Int

        /// A plan.
        public init(
            threads: [Int], prompt: Int, generate: Int, batches: [Int], depths: [Int], kv: KVType,
            rounds: Int
        ) {
            self.threads = threads
            self.prompt = prompt
            self.generate = generate
            self.batches = batches
            self.depths = depths
            self.kv = kv
            self.rounds = rounds
        }
    }

    /// The figures of one combination.
    public struct Figures: Sendable, Hashable {
        /// Threads that shared the work.
        public var threads: Int
        /// Sequences that ran together.
        public var batch: Int
        /// Tokens that each held before.
        public var depth: Int
        /// Tokens of all prompts per second.
        public var prefillTokensPerSecond: Double
        /// Tokens of all sequences per second, one at a time of each.
        public var decodeTokensPerSecond: Double
        /// Multiplications and additions of the prompt's matrix products, of what this many threads
        /// can do with bytes in registers.
        public var prefillShareOfInt8Peak: Double
        /// Bytes of weights, keys and values per second, of what this many threads can read.
        public var decodeShareOfBandwidth: Double
        /// The bytes per second that this many threads read, measured just before.
        public var readBytesPerSecond: Double
        /// The operations per second that this many threads do on bytes, measured just before.
        public var int8OperationsPerSecond: Double
    }

    private let file: GGUFFile
    private let model: LoadedModel
    /// Weights that every token is multiplied by, those of experts by the share in use.
    private let layerParameters: Double
    private let outputParameters: Double
    private let bytesPerStep: Double

    /// Bytes of the buffer whose reading is measured.
    private static let probeBytes = 512 << 20

    /// The kernels in use.
    public var instructionSet: InstructionSet { model.kernels.instructionSet }

    /// Loads the model file at `path`, if there is memory for it.
    public init(
        path: String, kernels: KernelTable,
        progress: @escaping (Double) -> Void = { _ in }
    ) throws(EngineError) {
        do { file = try GGUFFile(path: path) } catch { throw .file(path: path, error) }
        let workers = WorkerPool(threads: SystemMemory.processorCount)
        do {
            let needed = try LoadedModel.bytesNeeded(file: file)
            let available = SystemMemory.availableBytes()
            guard needed <= available else {
                throw EngineError.notEnoughMemory(
                    what: "the model", neededBytes: needed, availableBytes: available)
            }
            model = try LoadedModel(
                file: file, kernels: kernels, workers: workers, progress: progress)
        } catch let error as EngineError {
            throw error
        } catch { throw .model(reason: "\(error)") }
        let architecture = (try? file.string("general.architecture")) ?? ""
        let experts = (try? file.uint32(architecture + ".expert_count", default: 0)) ?? 0
        let used = (try? file.uint32(architecture + ".expert_used_count", default: 0)) ?? 0
        let share = experts > 0 ? Double(used) / Double(experts) : 1
        var (parameters, bytes) = (0.0, 0.0)
        for tensor in file.tensors
        where tensor.name.hasPrefix("blk.") && tensor.dimensions.count > 1 {
            let scale = tensor.name.contains("_exps") ? share : 1
            parameters += Double(tensor.elementCount) * scale
            bytes += Double(tensor.byteCount) * scale
        }
        let output = file.tensor("output.weight") ?? file.tensor("token_embd.weight")
        layerParameters = parameters
        outputParameters = Double(output?.elementCount ?? 0)
        bytesPerStep = bytes + Double(output?.byteCount ?? 0)
    }

    /// Measures every combination of the plan; `each` is called as soon as one is known.
    public func run(_ plan: Plan, each: (Figures) throws -> Void) throws {
        for threads in plan.threads {
            let workers = WorkerPool(threads: threads)
            let workspace = try Workspace(model: model, workers: workers)
            let probe = try MachineProbe(bytes: Self.probeBytes, workers: workers)
            for batch in plan.batches {
                for depth in plan.depths {
                    try each(
                        try measure(
                            plan, batch: batch, depth: depth, workspace: workspace, probe: probe,
                            threads: workers.threadCount))
                }
            }
        }
    }

    private func measure(
        _ plan: Plan, batch: Int, depth: Int, workspace: Workspace, probe: MachineProbe,
        threads: Int
    ) throws -> Figures {
        let last = depth + max(plan.prompt, plan.generate)
        guard last <= model.configuration.contextLength else {
            throw EngineError.promptTooLong(
                tokens: last, limit: model.configuration.contextLength)
        }
        let pagesEach = (last + KVBlock.positions - 1) / KVBlock.positions
        let bytes = pagesEach * batch * KVPages.bytesPerPage(model.configuration, type: plan.kv)
        let available = SystemMemory.availableBytes()
        guard bytes <= available else {
            throw EngineError.notEnoughMemory(
                what: "\(batch) sequences of \(last) tokens", neededBytes: bytes,
                availableBytes: available)
        }
        let pages = try KVPages(
            configuration: model.configuration, pageCount: pagesEach * batch, type: plan.kv)
        /// Runs `count` tokens of each sequence from position `start` on.
        func run(_ start: Int, _ count: Int, logits: LogitsRows) throws {
            let entries = (0..<batch).map { sequence in
                BatchEntry(
                    tokens: (start..<start + count).map {
                        Int32(($0 * 7919 + sequence) % model.configuration.vocabularySize)
                    }, start: start,
                    pages: (sequence * pagesEach..<(sequence + 1) * pagesEach).map(Int32.init),
                    logits: logits)
            }
            _ = try model.forward(
                batch: entries, pages: pages, workspace: workspace, isCancelled: { false })
        }
        var filled = 0
        while filled < depth {
            let count = min(max(512 / batch, 1), depth - filled)
            try run(filled, count, logits: .none)
            filled += count
        }
        // Memory that is touched for the first time costs more than its use.
        try run(depth, plan.prompt, logits: .last)
        let clock = ContinuousClock()
        var (prefill, decode, read, peak) = ([Double](), [Double](), [Double](), [Double]())
        for _ in 0..<plan.rounds {
            read.append(probe.readBytesPerSecond())
            peak.append(probe.int8OperationsPerSecond())
            var begin = clock.now
            try run(depth, plan.prompt, logits: .last)
            prefill.append((clock.now - begin).seconds)
            begin = clock.now
            for step in 0..<plan.generate { try run(depth + step, 1, logits: .last) }
            decode.append((clock.now - begin).seconds / Double(plan.generate))
        }
        let (tokens, sequences) = (Double(batch * plan.prompt), Double(batch))
        let operations = 2 * (layerParameters * tokens + outputParameters * sequences)
        let context = Double(depth) + Double(plan.generate) / 2
        let positions = Double(KVBlock.positions)
        let kvBytes =
            context / positions
            * Double(KVPages.bytesPerPage(model.configuration, type: plan.kv))
        return Figures(
            threads: threads, batch: batch, depth: depth,
            prefillTokensPerSecond: tokens / prefill.median,
            decodeTokensPerSecond: sequences / decode.median,
            prefillShareOfInt8Peak: operations / prefill.median / peak.median,
            decodeShareOfBandwidth: (bytesPerStep + kvBytes * sequences) / decode.median
                / read.median,
            readBytesPerSecond: read.median, int8OperationsPerSecond: peak.median)
    }
}

extension [Double] {
    /// The middle value, of an even number the mean of the two in the middle; 0 of none.
    fileprivate var median: Double {
        guard !isEmpty else { return 0 }
        let ordered = sorted()
        return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
    }
}
