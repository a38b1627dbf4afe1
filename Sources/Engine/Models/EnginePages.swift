import Model

/// How many pages of keys and values an engine has.
struct EnginePages: Sendable {
    /// For each type that the model takes.
    let counts: [KVType: Int]
    /// The most tokens of a sequence: what the model was made for and the configuration asks for,
    /// or less where the pages of the usual type hold no more.
    let contextLength: Int
    /// What they take when all are in use, in bytes.
    let bytes: Int

    /// Pages for as many whole contexts as may be of use, whatever memory there is.
    static func usefulCount(contextLength: Int, configuration: EngineConfiguration) -> Int {
        let wanted = min(contextLength, configuration.contextTokensMax ?? .max)
        let size = EngineLimits.pagePositions
        return min(
            (wanted + size - 1) / size * EngineLimits.contextsMax, EngineLimits.pagesMax)
    }

    /// - Parameter availableBytes: What there is now, beside the weights.
    init(
        model: some BatchModel, configuration: EngineConfiguration, availableBytes: Int
    ) throws(EngineError) {
        let wanted = min(model.contextLength, configuration.contextTokensMax ?? .max)
        let room: Int
        if let most = configuration.memoryBytesMax {
            room = min(most - model.weightBytes - model.runnerBytes, availableBytes)
        } else {
            room = (availableBytes - model.runnerBytes) / 2
        }
        let budget = max(0, min(room, configuration.pageBytesMax ?? .max))
        let size = EngineLimits.pagePositions
        let useful = Self.usefulCount(
            contextLength: model.contextLength, configuration: configuration)
        var counts: [KVType: Int] = [:]
        for kv in KVType.allCases {
            guard let pageBytes = model.bytesPerPage(kv) else { continue }
            counts[kv] = min(budget / max(pageBytes, 1), useful)
        }
        let usual = counts[.f16] ?? counts.values.max() ?? 0
        contextLength = model.makesEmbeddings ? wanted : min(wanted, usual * size)
        // Two tokens: one to ask with, one to answer.
        guard contextLength >= 2 else {
            throw .notEnoughMemory(
                what: "a page of keys and values",
                neededBytes: model.runnerBytes + (model.bytesPerPage(.f16) ?? 0),
                availableBytes: max(room, 0))
        }
        self.counts = counts
        bytes = counts.map { $0.value * (model.bytesPerPage($0.key) ?? 0) }.max() ?? 0
    }
}
