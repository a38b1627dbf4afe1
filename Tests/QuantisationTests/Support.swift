import Foundation
import GGUF
import Kernels
import Quantisation

/// SplitMix64: a failure is replayed by its seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// `count` weights with a bell's distribution: sums of uniform numbers, so that no library's
    /// logarithm decides their last bits.
    mutating func weights(_ count: Int, deviation: Float = 0.02) -> [Float] {
        (0..<count).map { _ in
            var sum: Float = -6
            for _ in 0..<12 { sum += Float(next() >> 40) * 0x1p-24 }
            return sum * deviation
        }
    }
}

struct MissingFixture: Error {}

/// How each type that rows can be encoded as is read back.
func weightFormat(_ type: GGUFTensorType) -> WeightFormat? {
    WeightFormat.allCases.first { "\($0)" == type.name.lowercased() }
}

/// What the bytes of one row stand for.
func decoded(_ bytes: [UInt8], _ type: GGUFTensorType, count: Int) throws -> [Float] {
    guard let format = weightFormat(type) else { throw MissingFixture() }
    return [Float](unsafeUninitializedCapacity: count) { out, initialized in
        bytes.withUnsafeBytes {
            format.unpackRow($0, into: UnsafeMutableBufferPointer(rebasing: out[..<count]))
        }
        initialized = count
    }
}

/// Encodes and decodes one row.
func roundTrip(_ values: [Float], _ type: GGUFTensorType) throws -> [Float] {
    guard let bytes = RowEncoder(type)?.encode(values) else { throw MissingFixture() }
    return try decoded(bytes, type, count: values.count)
}

/// The root mean squared difference, relative to the values' own.
func relativeError(_ values: [Float], _ found: [Float]) -> Double {
    var (error, squares) = (0.0, 0.0)
    for (a, b) in zip(values, found) {
        error += Double(a - b) * Double(a - b)
        squares += Double(a) * Double(a)
    }
    return squares > 0 ? (error / squares).squareRoot() : error.squareRoot()
}

/// A folder of a test's own, removed with its object.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "quantisation-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}

extension [Float] {
    /// As a file holds them; every machine this runs on is little-endian, as the file is.
    var littleEndianBytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}

/// A file with the parts of a small model: a matrix and a tied embedding of rows of 256, a matrix
/// with rows of 96, three stacked experts, a norm, a router and a vector.
func smallModel(alignment: Int = 32, poison: [Int: Float] = [:]) throws -> [UInt8] {
    var random = SeededGenerator(state: 7)
    var writer = try GGUFWriter(alignment: alignment)
    try writer.add("general.architecture", .string("llama"))
    try writer.add("general.file_type", .uint32(0))
    try writer.add("llama.block_count", .uint32(1))
    try writer.add("tokenizer.ggml.tokens", .array(GGUFArray(strings: ["a", "b"])))
    func add(_ name: String, _ dimensions: [Int], poison: [Int: Float] = [:]) throws {
        var values = random.weights(dimensions.reduce(1, *))
        for (index, value) in poison { values[index] = value }
        try writer.addTensor(
            name: name, dimensions: dimensions, type: .f32, data: values.littleEndianBytes)
    }
    try add("token_embd.weight", [256, 12])
    try add("blk.0.attn_norm.weight", [256])
    try add("blk.0.attn_q.weight", [256, 8], poison: poison)
    try add("blk.0.attn_k.weight", [96, 16])
    try add("blk.0.ffn_gate_inp.weight", [256, 8])
    try add("blk.0.ffn_up_exps.weight", [256, 4, 3])
    try add("blk.0.attn_q.bias", [256])
    return writer.bytes()
}

/// Quantises a file held in memory to `path`.
@discardableResult
func quantise(
    _ bytes: [UInt8], to path: String, _ scheme: QuantisationScheme, pure: Bool = false,
    replacing: Bool = false, threads: Int = 1
) throws -> QuantisationReport {
    try Quantiser.run(
        try GGUFFile(bytes: bytes), to: path,
        .init(scheme: scheme, isPure: pure, replacesOutput: replacing),
        workers: WorkerPool(threads: threads))
}
