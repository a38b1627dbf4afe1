import Foundation
import GGUF
import Quantisation
import Testing

/// Each type, and the relative error that random weights may come back with: 5 % above what the
/// encoder has, well below what scales without a search would give.
private let bounds: [(type: GGUFTensorType, error: Double)] = [
    (.f32, 0), (.f16, 2.2e-4), (.bf16, 1.8e-3), (.q8_0, 5.6e-3), (.q4_0, 0.0850),
    (.q4_1, 0.0790), (.q5_0, 0.0420), (.q5_1, 0.0390), (.iq4_nl, 0.0790), (.q2_k, 0.2900),
    (.q3_k, 0.1500), (.q4_k, 0.0740), (.q5_k, 0.0365), (.q6_k, 0.0176),
]

@Suite struct RowEncoderTests {
    @Test("Random weights come back as near as the format allows", arguments: bounds)
    func randomWeights(type: GGUFTensorType, bound: Double) throws {
        var random = SeededGenerator(state: 1)
        let values = random.weights(2048)
        let error = relativeError(values, try roundTrip(values, type))
        #expect(error <= bound)
        // The data is no grid, so a format that loses bits must show it.
        if type != .f32 { #expect(error > bound / 2) }
    }

    @Test("Every type has a bound here") func complete() {
        #expect(bounds.map(\.type) == RowEncoder.types)
    }

    @Test("Zeros stay zeros", arguments: RowEncoder.types)
    func zeros(type: GGUFTensorType) throws {
        let found = try roundTrip([Float](repeating: 0, count: 512), type)
        #expect(found.allSatisfy { $0 == 0 })
    }

    @Test("A constant stays near itself", arguments: RowEncoder.types)
    func constants(type: GGUFTensorType) throws {
        for constant: Float in [1, -1, 0.013, -250, 3e4] {
            let found = try roundTrip([Float](repeating: constant, count: 256), type)
            let furthest = found.map { ($0 - constant).magnitude }.max() ?? .infinity
            #expect(furthest <= constant.magnitude * 0.005)
        }
    }

    @Test("An outlier survives, and so does the order of its size", arguments: RowEncoder.types)
    func outlier(type: GGUFTensorType) throws {
        for outlier: Float in [5, -5, 1000] {
            var values = [Float](repeating: 0.01, count: 256)
            for index in stride(from: 0, to: 256, by: 2) { values[index] = -0.01 }
            values[77] = outlier
            let found = try roundTrip(values, type)
            #expect((found[77] - outlier).magnitude <= outlier.magnitude * 0.07)
            for (index, value) in found.enumerated() where index != 77 {
                #expect(value.magnitude <= outlier.magnitude * 0.3)
            }
        }
    }

    @Test("Tiny weights come back finite and no further off than zero is", arguments: bounds)
    func tiny(type: GGUFTensorType, _: Double) throws {
        var random = SeededGenerator(state: 3)
        for deviation: Float in [1e-3, 1e-5, 1e-7, 1e-10, 1e-30, 1e-41] {
            let values = random.weights(256, deviation: deviation)
            let found = try roundTrip(values, type)
            let wanted = values.map(Double.init)
            let left = zip(wanted, found).reduce(0) { $0 + ($1.0 - Double($1.1)).magnitude }
            let all = wanted.reduce(0) { $0 + $1.magnitude }
            #expect(left <= all * 1.0001, "deviation \(deviation)")
            #expect(found.allSatisfy { $0.isFinite })
        }
    }

    @Test("Weights up to the range of half precision fare as small ones", arguments: bounds)
    func huge(type: GGUFTensorType, bound: Double) throws {
        var random = SeededGenerator(state: 4)
        var values = random.weights(256, deviation: 12_000).map { min(max($0, -65_504), 65_504) }
        values[3] = 65_504
        values[200] = -65_504
        let found = try roundTrip(values, type)
        #expect(found.allSatisfy { $0.isFinite })
        #expect(relativeError(values, found) <= max(bound * 1.3, 0))
    }

    @Test("The largest weights a type takes do not overflow", arguments: RowEncoder.types)
    func largest(type: GGUFTensorType) throws {
        let encoder = try #require(RowEncoder(type))
        let most = min(encoder.magnitudeMax, 1e12)
        var random = SeededGenerator(state: 5)
        let values = random.weights(256, deviation: 1).map { max(min($0, 1), -1) * most }
        let found = try roundTrip(values, type)
        #expect(found.allSatisfy { $0.isFinite })
        #expect(relativeError(values, found) < 0.3)
        #expect(encoder.encode([Float](repeating: .infinity, count: 256)) == nil)
        #expect(encoder.encode([Float](repeating: .nan, count: 256)) == nil)
        if most < 1e12 { #expect(encoder.encode([Float](repeating: most * 2, count: 256)) == nil) }
    }

    @Test("All of a type's codes can be met", arguments: bounds)
    func grid(type: GGUFTensorType, _: Double) throws {
        // Weights that are multiples of one number: formats with enough codes keep them exactly.
        let levels: [GGUFTensorType: Int] = [
            .q8_0: 127, .q4_0: 7, .q4_1: 7, .q5_0: 15, .q5_1: 15, .q4_k: 7, .q5_k: 15, .q6_k: 31,
            .q3_k: 3,
        ]
        guard let level = levels[type] else { return }
        let values = (0..<256).map { Float($0 * 37 % (2 * level + 1) - level) * 0.25 }
        #expect(relativeError(values, try roundTrip(values, type)) < 0.01)
    }

    @Test("A row that is not whole blocks is not encoded") func partialBlocks() {
        #expect(RowEncoder(.q4_k)?.encode([Float](repeating: 1, count: 128)) == nil)
        #expect(RowEncoder(.q4_0)?.encode([Float](repeating: 1, count: 33)) == nil)
        #expect(RowEncoder(.f16)?.encode([Float](repeating: 1, count: 33))?.count == 66)
        #expect(RowEncoder(.iq2_xs) == nil)
    }

    @Test("Halves round to nearest even, subnormals too") func halves() throws {
        let encoder = try #require(RowEncoder(.f16))
        let cases: [(Float, UInt16)] = [
            (1, 0x3C00), (-2, 0xC000), (65_504, 0x7BFF), (0x1p-24, 1), (0x1p-25, 0),
            (0x1.8p-24, 2), (0x1p-14, 0x0400), (1 + 0x1p-11, 0x3C00), (1 + 0x1.8p-10, 0x3C02),
            (-0.0, 0x8000), (0x1.ffep-15, 0x0400),
        ]
        for (value, bits) in cases {
            #expect(encoder.encode([value]) == [UInt8(bits & 255), UInt8(bits >> 8)], "\(value)")
        }
    }

    @Test("Another implementation reads the same values", arguments: RowEncoder.types)
    func fixtures(type: GGUFTensorType) throws {
        let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        let name = type.name.lowercased() + ".row"
        let fixture = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
        var random = SeededGenerator(state: 11)
        let encoder = try #require(RowEncoder(type))
        let bytes = try #require(encoder.encode(random.weights(512)))
        #expect(bytes == Array(fixture.prefix(bytes.count)))
        let expected = stride(from: bytes.count, to: fixture.count, by: 4).map { start in
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(fixture[start + $1]) << (8 * $1) }
        }
        let found = try decoded(bytes, type, count: 512)
        #expect(expected.count == 512)
        // Zeros may differ in sign.
        for (a, b) in zip(found, expected) { #expect(a == Float(bitPattern: b)) }
    }
}
