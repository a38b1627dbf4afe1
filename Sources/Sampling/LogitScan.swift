/// What one pass over logits finds: that all are numbers, the likeliest, and the highest of every
/// block of 64, which tells later passes where not to look.
struct LogitScan {
    static let block = 64

    /// The id of the highest logit, the lowest of equals.
    let best: Int32
    /// Its logit.
    let peak: Float

    /// Scans `logits`, one per token id, and leaves the highest of each block in `maxima`.
    init(
        _ logits: UnsafeBufferPointer<Float>, maxima: inout [Float]
    ) throws(SamplingError) {
        guard let base = logits.baseAddress, logits.count <= SamplingLimits.vocabularyMax else {
            throw .nothingToSample
        }
        maxima.removeAll(keepingCapacity: true)
        let whole = logits.count / Self.block * Self.block
        var faulty = SIMDMask<SIMD16<Int32>>(repeating: false)
        for start in stride(from: 0, to: whole, by: Self.block) {
            var highest = Self.load(base + start)
            // False for a value that is not a number as well.
            faulty .|= .!(highest .< .infinity)
            for part in stride(from: 16, to: Self.block, by: 16) {
                let lanes = Self.load(base + start + part)
                faulty .|= .!(lanes .< .infinity)
                highest.replace(with: lanes, where: lanes .> highest)
            }
            maxima.append(highest.max())
        }
        if whole < logits.count {
            var highest = -Float.infinity
            for id in whole..<logits.count {
                if !(logits[id] < .infinity) { faulty[0] = true }
                if logits[id] > highest { highest = logits[id] }
            }
            maxima.append(highest)
        }
        guard !any(faulty) else {
            throw .notANumber(token: logits.firstIndex { !($0 < .infinity) } ?? 0)
        }
        var peak = -Float.infinity
        var place = 0
        for (index, highest) in maxima.enumerated() where highest > peak {
            peak = highest
            place = index
        }
        guard peak > -.infinity else { throw .nothingToSample }
        var best = place * Self.block
        while logits[best] != peak { best += 1 }
        self.best = Int32(best)
        self.peak = peak
    }

    @inline(__always)
    static func load(_ pointer: UnsafePointer<Float>) -> Lanes {
        UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
    }

    /// A number that grows as the logit falls; equal for −0 and 0.
    @inline(__always)
    static func descending(_ logit: Float) -> UInt32 {
        let bits = (logit + 0).bitPattern
        return bits >> 31 == 0 ? ~(bits | 0x8000_0000) : bits
    }

    /// The ids of the `wanted` highest logits, the lower of equals, ascending. −∞ is never among
    /// them. `maxima` is what ``init(_:maxima:)`` left.
    static func highest(
        _ wanted: Int, _ logits: UnsafeBufferPointer<Float>, maxima: [Float],
        selector: inout Selector, into ids: inout [Int32]
    ) {
        ids.removeAll(keepingCapacity: true)
        guard wanted > 0 else { return }
        // As many logits are at least this high as blocks have a highest that is.
        var bound = -Float.infinity
        if wanted < maxima.count {
            selector.load(maxima.count) { descending(maxima[$0]) }
            let border = selector.border(wanted: UInt64(wanted)) { _ in 1 }
            if let border, let place = maxima.firstIndex(where: { descending($0) == border.key }) {
                bound = maxima[place]
            }
        }
        for (place, highest) in maxima.enumerated() where highest >= bound {
            let start = place * block
            for id in start..<min(start + block, logits.count)
            where logits[id] >= bound && logits[id] > -.infinity {
                ids.append(Int32(id))
            }
        }
        guard ids.count > wanted else { return }
        let gathered = ids
        selector.load(gathered.count) { descending(logits[Int(gathered[$0])]) }
        guard let border = selector.border(wanted: UInt64(wanted), weight: { _ in 1 }) else {
            return
        }
        ids.removeAll(keepingCapacity: true)
        selector.kept(border, weight: { _ in 1 }) { ids.append(gathered[$0]) }
    }
}
