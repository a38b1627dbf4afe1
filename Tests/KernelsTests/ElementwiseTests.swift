import Foundation
import Kernels
import Testing

@Suite struct ElementwiseTests {
    private let lengths = [1, 7, 15, 16, 17, 32, 63, 64, 100, 172]

    /// `body` on a copy of `x`, in place.
    private func mapped(_ x: [Float], _ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
        var copy = x
        copy.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { body(base) } }
        return copy
    }

    @Test("Every table gives the portable bits for every function of vectors")
    func sameBits() {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            for n in lengths {
                let x = random.floats(n, in: -12...12), y = random.floats(n, in: -2...2)
                let z = random.floats(n, in: -3...3)
                let results = tables.map { table in
                    [
                        mapped(x) { table.hyperbolicTangent($0, count: n, into: $0) },
                        mapped(x) { table.errorFunction($0, count: n, into: $0) },
                        mapped(x) { table.gelu($0, count: n, into: $0) },
                        mapped(x) { table.geGLU(gate: $0, up: y, count: n, into: $0) },
                        mapped(x) {
                            table.layerNorm(
                                $0, weight: y, bias: z, count: n, epsilon: 1e-6, into: $0)
                        },
                        mapped(x) { table.softmax($0, count: n) },
                        mapped(x) { table.addScaled(y, scale: 0.3, count: n, to: $0) },
                        mapped(x) { table.scale($0, by: 1.7, count: n) },
                        mapped(x) {
                            table.rotateHalves($0, cosines: y, sines: z, pairs: n / 2)
                        },
                        mapped(x + x) { table.rotate($0, cosines: y, sines: z, pairs: n) },
                    ].map(\.bitPatterns)
                }
                for (table, other) in zip(tables, results).dropFirst() {
                    #expect(
                        other == results[0], "\(table.instructionSet), seed \(seed), length \(n)")
                }
            }
        }
    }

    @Test("The hyperbolic tangent and the error function are within 2e-7 of the true values")
    func polynomialsAreClose() {
        var random = SeededRandom(seed: 11)
        var x = random.floats(60_000, in: -6...6) + random.floats(20_000, in: -0.7...0.7)
        x += random.floats(2000, in: -100...100)
        x += [0, 0.625, -0.625, 1e-30, -1e-30, 1e30, -1e30, .infinity, -.infinity]
        let t = mapped(x) { tables[0].hyperbolicTangent($0, count: x.count, into: $0) }
        let e = mapped(x) { tables[0].errorFunction($0, count: x.count, into: $0) }
        var (worstT, worstE) = (0.0, 0.0)
        for (index, value) in x.enumerated() {
            worstT = max(worstT, abs(Double(t[index]) - tanh(Double(value))))
            worstE = max(worstE, abs(Double(e[index]) - erf(Double(value))))
        }
        #expect(worstT < 2e-7)
        #expect(worstE < 2e-7)
        #expect(t[x.count - 9] == 0 && e[x.count - 9] == 0)
    }

    @Test("Both forms of gelu are close to their definitions, far into the tails")
    func geluIsClose() {
        var random = SeededRandom(seed: 12)
        let x = random.floats(40_000, in: -13...13) + [0, 50, -50, 1e10, -1e10]
        let ones = [Float](repeating: 1, count: x.count)
        let byError = mapped(x) { tables[0].gelu($0, count: x.count, into: $0) }
        let byTangent = mapped(x) {
            tables[0].geGLU(gate: $0, up: ones, count: x.count, into: $0)
        }
        for (index, value) in x.enumerated() {
            let x = Double(value)
            let exact = x * erfc(-x / 2.0.squareRoot()) / 2
            #expect(
                abs(Double(byError[index]) - exact) <= 1e-5 * min(abs(exact), 0.1) + 2e-7 * abs(x),
                "\(x)")
            if x > -13, x < 0 {
                #expect(abs(Double(byError[index]) - exact) <= 2e-5 * abs(exact) + 1e-40, "\(x)")
            }
            // Both ends are rounded to half precision, 2^-11 of the number each.
            let u = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
            #expect(
                abs(Double(byTangent[index]) - x / (1 + exp(-2 * u))) <= 1.1e-3 * abs(x) + 1e-7,
                "\(x)")
        }
    }

    @Test("Layer norms centre and scale, then weigh and shift")
    func layerNormIsClose() {
        var random = SeededRandom(seed: 13)
        for n in lengths {
            let x = random.floats(n, in: -3...5), weight = random.floats(n), bias = random.floats(n)
            let found = mapped(x) {
                tables[0].layerNorm(
                    $0, weight: weight, bias: bias, count: n, epsilon: 1e-3, into: $0)
            }
            let mean = x.reduce(0.0) { $0 + Double($1) } / Double(n)
            let variance = x.reduce(0.0) { $0 + pow(Double($1) - mean, 2) } / Double(n)
            for i in 0..<n {
                let exact =
                    (Double(x[i]) - mean) / (variance + 1e-3).squareRoot() * Double(weight[i])
                    + Double(bias[i])
                #expect(abs(Double(found[i]) - exact) < 1e-5, "length \(n)")
            }
        }
    }

    @Test("A softmax sums to one and keeps ratios, whatever is added to all")
    func softmaxIsClose() {
        var random = SeededRandom(seed: 14)
        for n in lengths {
            let x = random.floats(n, in: 990...1000)
            let found = mapped(x) { tables[0].softmax($0, count: n) }
            let total = x.reduce(0.0) { $0 + exp(Double($1) - 1000) }
            for i in 0..<n {
                #expect(abs(Double(found[i]) - exp(Double(x[i]) - 1000) / total) < 1e-6)
            }
            #expect(abs(found.reduce(0, +) - 1) < 1e-5)
        }
    }

    @Test("Turning halves is turning pairs in another arrangement, to the bit")
    func arrangementsAgree() {
        var random = SeededRandom(seed: 15)
        for pairs in [1, 5, 16, 24, 32, 40] {
            let x = random.floats(2 * pairs), angles = random.floats(pairs, in: -3...3)
            let (cosines, sines) = (angles.map { cos($0) }, angles.map { sin($0) })
            let halves = mapped(x) {
                tables[0].rotateHalves($0, cosines: cosines, sines: sines, pairs: pairs)
            }
            let interleaved = (0..<pairs).flatMap { [x[$0], x[$0 + pairs]] }
            let turned = mapped(interleaved) {
                tables[0].rotate($0, cosines: cosines, sines: sines, pairs: pairs)
            }
            for i in 0..<pairs {
                #expect(halves[i].bitPattern == turned[2 * i].bitPattern)
                #expect(halves[i + pairs].bitPattern == turned[2 * i + 1].bitPattern)
                let (a, b) = (Double(x[i]), Double(x[i + pairs]))
                let exact = a * Double(cosines[i]) - b * Double(sines[i])
                #expect(abs(Double(halves[i]) - exact) < 1e-6)
            }
        }
    }

    @Test("A scaled sum rounds once")
    func scaledSumsAreFused() {
        var random = SeededRandom(seed: 16)
        let x = random.floats(100), y = random.floats(100)
        let found = mapped(x) { tables[0].addScaled(y, scale: 0.7, count: 100, to: $0) }
        #expect(found.bitPatterns == zip(x, y).map { $0.addingProduct(0.7, $1) }.bitPatterns)
        let scaled = mapped(x) { tables[0].scale($0, by: 0.7, count: 100) }
        #expect(scaled.bitPatterns == x.map { $0 * 0.7 }.bitPatterns)
    }
}
