import Foundation
import Kernels
import Testing

@Suite struct VectorKernelTests {
    private let lengths = [1, 7, 8, 15, 16, 17, 31, 32, 64, 100, 172]

    /// Calls `body` with pointers to a copy of each array and an output of `count`.
    private func run(
        _ inputs: [[Float]], count: Int,
        _ body: ([UnsafePointer<Float>], UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
        let copies = inputs.map { input in
            let copy = UnsafeMutablePointer<Float>.allocate(capacity: max(input.count, 1))
            copy.initialize(from: input, count: input.count)
            return copy
        }
        defer { for copy in copies { copy.deallocate() } }
        return [Float](unsafeUninitializedCapacity: count) { out, used in
            used = count
            guard let base = out.baseAddress else { return }
            body(copies.map { UnsafePointer($0) }, base)
        }
    }

    @Test func exponentialIsWithinOneUnitInTheLastPlaceOfTheTrueValue() {
        var random = SeededRandom(seed: 1)
        var x = random.floats(50_000, in: -104...89) + random.floats(10_000, in: -1...1)
        x += [0, -0.0, 1, -1, 88.7, -87.3, -103.9]
        let found = run([x], count: x.count) {
            tables[0].exponential($0[0], count: x.count, into: $1)
        }
        for (x, y) in zip(x, found) {
            let exact = exp(Double(x))
            if exact > Double(Float.greatestFiniteMagnitude) { continue }
            let unit = Double(max(Float(exact).ulp, Float.leastNonzeroMagnitude))
            #expect(abs(Double(y) - exact) <= unit, "\(x)")
        }
    }

    @Test func exponentialOfSpecialValues() {
        let x: [Float] = [.infinity, -.infinity, .nan, 1000, -1000, 89]
        for table in tables {
            let y = run([x], count: x.count) { table.exponential($0[0], count: x.count, into: $1) }
            #expect(y[0] == .infinity && y[1] == 0 && y[2].isNaN && y[3] == .infinity)
            #expect(y[4] == 0 && y[5] == .infinity)
        }
    }

    @Test func everyTableGivesThePortableBitsForVectors() {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            for n in lengths {
                let x = random.floats(n, in: -20...20), y = random.floats(n, in: -2...2)
                let angles = random.floats(n, in: -3...3)
                let results = tables.map { table -> [[UInt32]] in
                    [
                        run([x], count: n) { table.exponential($0[0], count: n, into: $1) },
                        run([x, y], count: n) {
                            table.rmsNorm(
                                $0[0], weight: $0[1], count: n, epsilon: 1e-5, into: $1)
                        },
                        run([x, y], count: n) {
                            table.swiGLU(gate: $0[0], up: $0[1], count: n, into: $1)
                        },
                        run([x, y], count: n) {
                            $1.update(from: $0[0], count: n)
                            table.add($0[1], count: n, to: $1)
                        },
                        run([x, y, angles], count: n) {
                            $1.update(from: $0[0], count: n)
                            table.rotate($1, cosines: $0[1], sines: $0[2], pairs: n / 2)
                        },
                    ].map(\.bitPatterns)
                }
                for other in results.dropFirst() {
                    #expect(other == results[0], "seed \(seed), length \(n)")
                }
            }
        }
    }

    @Test func normsSumSquaresInSixteenLanes() {
        var random = SeededRandom(seed: 3)
        for n in lengths {
            let x = random.floats(n), weight = random.floats(n)
            let scale = 1 / (laneDot(x, x) / Float(n) + 1e-5).squareRoot()
            let expected = zip(x, weight).map { $0 * scale * $1 }
            let found = run([x, weight], count: n) {
                tables[0].rmsNorm($0[0], weight: $0[1], count: n, epsilon: 1e-5, into: $1)
            }
            #expect(found.bitPatterns == expected.bitPatterns)
        }
    }

    @Test func gatesAreSmoothAndMultiplied() {
        let gate: [Float] = [-200, -3, -0.5, 0, 0.5, 3, 200], up: [Float] = [1, 2, 3, 4, 5, 6, 7]
        let found = run([gate, up], count: 7) {
            tables[0].swiGLU(gate: $0[0], up: $0[1], count: 7, into: $1)
        }
        for (index, y) in found.enumerated() {
            let x = Double(gate[index])
            #expect(abs(Double(y) - x / (1 + exp(-x)) * Double(up[index])) < 1e-5)
        }
    }

    @Test func everyHalfWidensToItsValueAndNarrowsBack() {
        let halves = (0...UInt16.max).map { $0 }
        for table in tables {
            var wide = [Float](repeating: 0, count: halves.count)
            table.widen(halves, count: halves.count, into: &wide)
            var back = [UInt16](repeating: 0, count: halves.count)
            table.narrow(wide, count: wide.count, into: &back)
            for half in halves {
                let value = wide[Int(half)]
                let exponent = half >> 10 & 31, fraction = half & 1023
                if exponent == 31, fraction != 0 {
                    #expect(value.isNaN && back[Int(half)] == half | 0x200)
                } else {
                    let magnitude =
                        exponent == 31
                        ? Double.infinity
                        : exponent == 0
                            ? Double(fraction) * 0x1p-24
                            : (1024 + Double(fraction)) * pow(2, Double(exponent) - 25)
                    #expect(Double(value) == (half < 0x8000 ? magnitude : -magnitude))
                    #expect(back[Int(half)] == half)
                }
            }
        }
    }

    @Test func narrowingRoundsToNearestEvenInEveryTable() {
        var random = SeededRandom(seed: 9)
        var x = (0..<20_000).map { _ in
            Float(bitPattern: UInt32.random(in: 0 ... .max, using: &random))
        }
        x += random.floats(20_000, in: -70_000...70_000) + random.floats(20_000, in: -1e-4...1e-4)
        // Halfway cases: between 1 and its neighbours, at the largest half, at the least subnormal.
        x += [1 + 0x1p-11, 1 + 0x3p-11, 65519.996, 65520, 0x1p-25, 0x1.8p-25, 0x3p-25, 0x1p-14]
        let results = tables.map { table in
            var out = [UInt16](repeating: 0, count: x.count)
            table.narrow(x, count: x.count, into: &out)
            return out
        }
        for other in results.dropFirst() { #expect(other == results[0]) }
        #expect(results[0].suffix(8) == [0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 1, 2, 0x0400])
    }

    @Test func elementaryFunctionsAgreeWithTheCLibrary() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<20_000 {
            let x = Double.random(in: -4_000_000...4_000_000, using: &random)
            let (sine, cosine) = Elementary.sinCos(x)
            #expect(abs(sine - sin(x)) < 1e-15 && abs(cosine - cos(x)) < 1e-15, "\(x)")
            let y = Double.random(in: -700...700, using: &random)
            #expect(abs(Elementary.exp(y) / exp(y) - 1) < 1e-15, "\(y)")
            let z = exp(y)
            #expect(abs(Elementary.log(z) - log(z)) <= 1e-15 * max(1, abs(log(z))), "\(z)")
            let base = Double.random(in: 1...1e6, using: &random)
            let exponent = Double.random(in: -1...0, using: &random)
            #expect(abs(Elementary.pow(base, exponent) / pow(base, exponent) - 1) < 1e-14)
        }
        #expect(Elementary.sinCos(0).sine == 0 && Elementary.sinCos(0).cosine == 1)
        #expect(Elementary.exp(0) == 1 && Elementary.log(1) == 0)
        #expect(Elementary.pow(10_000, 0) == 1)
    }

    @Test func aBlockThatIsNotFiniteDoesNotVanishInItsCodes() throws {
        let matrix = try [UInt8](
            repeating: 0x11, count: 34 * 16
        ).withUnsafeBytes { try PackedMatrix(format: .q8_0, rows: 16, columns: 32, source: $0) }
        for table in tables {
            for bad in [Float.nan, .infinity, -.infinity] {
                let input = try KernelInput(elementsMax: 32)
                input.reshape(count: 1, columns: 32)
                for k in 0..<32 { input.values[k] = k == 5 ? bad : 1 }
                input.encode(blocks: .b32, kernels: table)
                let out = run([], count: 16) {
                    matrix.multiply(
                        input, panels: 0..<1, kernels: table, into: $1, stride: 16)
                }
                #expect(out.allSatisfy { !$0.isFinite })
            }
        }
    }
}
