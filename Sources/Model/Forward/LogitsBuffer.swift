/// The logits of a batch, filled in the order of its entries.
struct LogitsBuffer {
    private(set) var rows: [[Float]]
    private let vocabularySize: Int

    init(batch: [BatchEntry], vocabularySize: Int) {
        self.vocabularySize = vocabularySize
        rows = batch.map { entry in
            var logits: [Float] = []
            switch entry.logits {
            case .none: break
            case .last: logits.reserveCapacity(vocabularySize)
            case .all: logits.reserveCapacity(vocabularySize * entry.tokens.count)
            }
            return logits
        }
    }

    mutating func append(entry: Int, _ logits: UnsafePointer<Float>) {
        rows[entry].append(
            contentsOf: UnsafeBufferPointer(start: logits, count: vocabularySize))
    }
}
