import GGUF
import Kernels

/// From one type to another.
struct Conversion {
    let reader: RowReader
    let encoder: RowEncoder

    /// Bytes of a converted row.
    func rowBytes(_ columns: Int) -> Int {
        columns / encoder.type.blockElements * encoder.type.blockBytes
    }
}

/// What became of a row.
enum RowOutcome {
    /// It is encoded: the sums of squared differences and of squares.
    case encoded(error: Double, squares: Double)
    /// It holds a value that is no finite number.
    case notFinite
    /// It holds a value that the type cannot hold.
    case tooLarge
}

/// Room for the encoded rows of a slab.
final class SlabBuffer {
    private var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    deinit { storage.deallocate() }

    /// The first `count` bytes.
    func bytes(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: storage[..<count])
    }

    /// Converts `rows` rows of `columns` elements; gives each row's outcome, in order.
    func encode(
        _ source: UnsafeRawBufferPointer, rows: Int, columns: Int, _ conversion: Conversion,
        _ workers: WorkerPool
    ) -> [RowOutcome] {
        let rowBytes = conversion.rowBytes(columns)
        if storage.count < rows * rowBytes {
            storage.deallocate()
            storage = .allocate(byteCount: rows * rowBytes, alignment: 64)
        }
        guard let out = storage.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return [] }
        let stride = source.count / rows
        return [RowOutcome](unsafeUninitializedCapacity: rows) { outcomes, count in
            // Each chunk writes the bytes and outcomes of its own rows only.
            workers.split(rows) { range in
                // Rounded up, so that the last vector of a row can be read and written whole.
                let values = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: (columns + 15) / 16 * 64, alignment: 64)
                defer { values.deallocate() }
                guard let row = values.baseAddress?.assumingMemoryBound(to: Float.self) else {
                    return
                }
                for index in range {
                    conversion.reader.read(
                        UnsafeRawBufferPointer(
                            rebasing: source[index * stride..<(index + 1) * stride]),
                        count: columns, into: row)
                    let outcome = Self.encode(
                        row, columns, conversion.encoder, out + index * rowBytes)
                    outcomes.baseAddress?.advanced(by: index).initialize(to: outcome)
                }
            }
            count = rows
        }
    }

    /// Checks and encodes one row.
    private static func encode(
        _ row: UnsafeMutablePointer<Float>, _ columns: Int, _ encoder: RowEncoder,
        _ out: UnsafeMutablePointer<UInt8>
    ) -> RowOutcome {
        let (greatest, sum) = measure(row, columns)
        guard greatest < .infinity else { return .notFinite }
        guard greatest <= encoder.magnitudeMax else { return .tooLarge }
        return .encoded(error: encoder.encode(row, count: columns, into: out), squares: sum)
    }

    /// The largest magnitude, infinite where a value is no number, and the sum of squares.
    private static func measure(
        _ row: UnsafeMutablePointer<Float>, _ columns: Int
    ) -> (greatest: Float, squares: Double) {
        let vectors = (columns + 15) / 16
        for index in columns..<vectors * 16 { row[index] = 0 }
        var greatest = SIMD16<UInt32>.zero
        var sum = 0.0
        row.withMemoryRebound(to: Lanes.self, capacity: vectors) { values in
            for start in stride(from: 0, to: vectors, by: 16) {
                var part = Lanes.zero
                for index in start..<min(start + 16, vectors) {
                    let bits = unsafeBitCast(values[index].magnitudes, to: SIMD16<UInt32>.self)
                    greatest.replace(with: bits, where: bits .> greatest)
                    part += values[index] * values[index]
                }
                sum += Double(part.total)
            }
        }
        // As integers, magnitudes order as the numbers do, and what is no number is above all.
        let largest = min(greatest.max(), Float.infinity.bitPattern)
        return (Float(bitPattern: largest), sum)
    }
}
