/// What changes logits before any rule looks at them.
struct Penalties {
    let parameters: SamplingParameters

    /// Whether anything changes a logit once there are tokens.
    var isActive: Bool {
        parameters.repetitionPenalty != 1 || parameters.presencePenalty != 0
            || parameters.frequencyPenalty != 0 || !parameters.logitBias.isEmpty
    }

    /// Adjusts the logits in place. `history` is the prompt and the answer, whose last `answered`
    /// tokens are the answer's; ids that the vocabulary has not are passed over. A finite logit
    /// stays finite, −∞ stays.
    func apply(
        to logits: inout [Float], history: [Int32], answered: Int, counts: inout [Int32]
    ) {
        for (token, bias) in parameters.logitBias where Int(token) < logits.count {
            logits[Int(token)] += bias
        }
        guard !history.isEmpty else { return }
        if counts.count != logits.count { counts = [Int32](repeating: 0, count: logits.count) }
        if parameters.repetitionPenalty != 1 {
            let window = parameters.repetitionWindow
            repeated(history.suffix(window == 0 ? history.count : window), in: &logits, &counts)
        }
        if parameters.presencePenalty != 0 || parameters.frequencyPenalty != 0 {
            occurred(history.suffix(answered), in: &logits, &counts)
        }
    }

    /// Keskar et al., "CTRL", 2019, section 4.1, for logits of either sign.
    private func repeated(
        _ tokens: ArraySlice<Int32>, in logits: inout [Float], _ counts: inout [Int32]
    ) {
        for token in tokens where token >= 0 && Int(token) < logits.count {
            let id = Int(token)
            guard counts[id] == 0 else { continue }
            counts[id] = 1
            let logit = logits[id]
            let changed =
                logit > 0
                ? logit / parameters.repetitionPenalty : logit * parameters.repetitionPenalty
            logits[id] = Self.finite(changed, from: logit)
        }
        forget(tokens, &counts)
    }

    /// The formula of OpenAI's guide: logit − count · frequency − (count > 0) · presence, where count
    /// is of the answer alone.
    private func occurred(
        _ tokens: ArraySlice<Int32>, in logits: inout [Float], _ counts: inout [Int32]
    ) {
        for token in tokens where token >= 0 && Int(token) < logits.count {
            counts[Int(token)] += 1
        }
        for token in tokens where token >= 0 && Int(token) < logits.count {
            let id = Int(token)
            guard counts[id] > 0 else { continue }
            let penalty =
                Float(counts[id]) * parameters.frequencyPenalty + parameters.presencePenalty
            counts[id] = 0
            logits[id] = Self.finite(logits[id] - penalty, from: logits[id])
        }
    }

    private func forget(_ tokens: ArraySlice<Int32>, _ counts: inout [Int32]) {
        for token in tokens where token >= 0 && Int(token) < counts.count { counts[Int(token)] = 0 }
    }

    private static func finite(_ value: Float, from logit: Float) -> Float {
        guard logit > -.infinity else { return logit }
        return min(max(value, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
    }

    /// Makes every token impossible that `mask` has not.
    static func restrict(_ logits: inout [Float], to mask: TokenMask) {
        logits.withUnsafeMutableBufferPointer { logits in
            for start in stride(from: 0, to: logits.count, by: 64) {
                let end = min(start + 64, logits.count)
                let word = start < mask.count ? mask.words[start / 64] : 0
                if word == .max { continue }
                if word == 0 {
                    logits[start..<end].update(repeating: -.infinity)
                    continue
                }
                for id in start..<end where word & (1 << UInt64(id - start)) == 0 {
                    logits[id] = -.infinity
                }
            }
        }
    }
}
