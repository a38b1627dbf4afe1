import Foundation
import GGUF

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
}

struct MissingFixture: Error {}

/// The path of a file in `Fixtures`.
func fixturePath(_ name: String) throws -> String {
    guard let folder = Bundle.module.url(forResource: "Fixtures", withExtension: nil) else {
        throw MissingFixture()
    }
    return folder.appendingPathComponent(name).path
}

/// The bytes of a file in `Fixtures`.
func fixtureBytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: try fixturePath(name))))
}

/// A file of every value type and a few tensors, under 1 KiB.
func smallFile() throws -> [UInt8] {
    var writer = try GGUFWriter()
    try writer.add("general.architecture", .string("llama"))
    try writer.add("a.u8", .uint8(200))
    try writer.add("a.i8", .int8(-3))
    try writer.add("a.u16", .uint16(60_000))
    try writer.add("a.i16", .int16(-300))
    try writer.add("a.u32", .uint32(4_000_000_000))
    try writer.add("a.i32", .int32(-7))
    try writer.add("a.u64", .uint64(1 << 40))
    try writer.add("a.i64", .int64(-1))
    try writer.add("a.f32", .float32(0.5))
    try writer.add("a.f64", .float64(0.25))
    try writer.add("a.bool", .bool(true))
    try writer.add("a.strings", .array(GGUFArray(strings: [[0xFF, 0x80], [], Array("hé".utf8)])))
    try writer.add("a.floats", .array(GGUFArray(floats: [1, -2])))
    try writer.add("a.ints", .array(GGUFArray(int32s: [3, -4])))
    try writer.addTensor(
        name: "t.f32", dimensions: [3, 2], type: .f32, data: [UInt8](repeating: 1, count: 24))
    try writer.addTensor(
        name: "t.q4", dimensions: [32], type: .q4_0, data: [UInt8](repeating: 2, count: 18))
    return writer.bytes()
}

/// Builds a file by hand, field by field, so that it can be wrong.
struct RawFile {
    var bytes: [UInt8] = Array("GGUF".utf8)

    init(version: UInt32 = 3, tensors: UInt64 = 0, entries: UInt64 = 0) {
        number(version)
        number(tensors)
        number(entries)
    }

    mutating func number<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ text: String) {
        number(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func entry(_ key: String, type: UInt32, _ value: [UInt8]) {
        string(key)
        number(type)
        bytes.append(contentsOf: value)
    }

    mutating func tensor(_ name: String, _ dimensions: [UInt64], type: UInt32, offset: UInt64) {
        string(name)
        number(UInt32(dimensions.count))
        for dimension in dimensions { number(dimension) }
        number(type)
        number(offset)
    }

    mutating func data(_ count: Int) {
        bytes.append(contentsOf: repeatElement(0, count: (32 - bytes.count % 32) % 32 + count))
    }
}
