import CKernels

/// A weight matrix repacked for the kernels: 16 output rows interleaved (layout in `CKernels.h`).
///
/// Immutable once made, so any number of threads may multiply by it.
public final class PackedMatrix: Sendable {
    /// The format of the weights.
    public let format: WeightFormat
    /// Output rows.
    public let rows: Int
    /// Columns: the length of an input.
    public let columns: Int

    // Written only in `init`, before any other thread can see it; read-only ever after.
    private nonisolated(unsafe) let storage: AlignedBuffer
    private let panelBytes: Int

    /// Rows per panel, the unit in which work is divided.
    public static let rowsPerPanel = Int(SHOAL_LANES)

    /// The number of panels; the last may be partly empty.
    public var panelCount: Int {
        (rows + Self.rowsPerPanel - 1) / Self.rowsPerPanel
    }

    /// Bytes of memory it occupies.
    public var byteCount: Int { storage.byteCount }

    /// Bytes that a matrix of this shape will occupy. Throws ``KernelError/invalidShape(reason:)``.
    public static func bytesNeeded(
        format: WeightFormat, rows: Int, columns: Int
    ) throws(KernelError) -> Int {
        guard 1...KernelsLimits.dimensionMax ~= rows, 1...KernelsLimits.dimensionMax ~= columns
        else {
            throw .invalidShape(
                reason:
                    "\(rows) rows of \(columns) columns, outside 1...\(KernelsLimits.dimensionMax)")
        }
        guard columns % format.blockElements == 0 else {
            throw .invalidShape(
                reason: "rows of \(columns) columns are not blocks of \(format.blockElements)")
        }
        // At most 2^20 panels of 2^24 * 64 bytes: far from overflow.
        let panels = (rows + rowsPerPanel - 1) / rowsPerPanel
        let bytes = panels * Int(shoal_panel_bytes(format.code, Int64(columns)))
        guard bytes <= KernelsLimits.matrixBytesMax else {
            throw .invalidShape(reason: "\(bytes) bytes, above \(KernelsLimits.matrixBytesMax)")
        }
        return bytes
    }

    /// Packs `source`, rows stored one after the other as files have them.
    ///
    /// The work is shared by `workers`, if given.
    public init(
        format: WeightFormat, rows: Int, columns: Int, source: UnsafeRawBufferPointer,
        workers: WorkerPool? = nil
    ) throws(KernelError) {
        let byteCount = try Self.bytesNeeded(format: format, rows: rows, columns: columns)
        let expected = rows * (format.rowBytes(columns: columns) ?? 0)
        guard source.count == expected, let from = source.baseAddress else {
            throw .sizeMismatch(expected: expected, found: source.count)
        }
        let storage = try AlignedBuffer(byteCount: byteCount)
        let panelBytes = Int(shoal_panel_bytes(format.code, Int64(columns)))
        let to = storage.base.assumingMemoryBound(to: UInt8.self)
        let bytes = from.assumingMemoryBound(to: UInt8.self)
        let panels = byteCount / panelBytes
        let pack = { (panel: Int) in
            shoal_pack_panel(
                format.code, bytes, Int64(rows), Int64(columns), Int64(panel),
                to + panel * panelBytes)
        }
        if let workers {
            workers.run(chunks: panels, pack)
        } else {
            for panel in 0..<panels { pack(panel) }
        }
        self.format = format
        self.rows = rows
        self.columns = columns
        self.storage = storage
        self.panelBytes = panelBytes
    }

    /// `out[c * stride + row]` = row . input `c`, for the rows of `panels`.
    ///
    /// - Parameters:
    ///   - input: vectors of ``columns`` elements, with codes if the format reads them.
    ///   - out: room for a row of `stride` elements, at least ``rows``, per input; where the format
    ///     reads codes and they have two planes, per plane of each input.
    /// Disjoint panels may be computed at once by several threads; the division does not change
    /// a bit of the result. Traps if the shapes do not fit.
    public func multiply(
        _ input: KernelInput, panels: Range<Int>, kernels: KernelTable,
        into out: UnsafeMutablePointer<Float>, stride: Int
    ) {
        precondition(panels.lowerBound >= 0 && panels.upperBound <= panelCount, "no such panel")
        precondition(input.columns == columns && stride >= rows, "shapes do not fit")
        precondition(input.serves(format), "the input has no codes that this format reads")
        guard !panels.isEmpty, input.count > 0 else { return }
        var matrix = shoal_matrix(
            panels: UnsafePointer(storage.base.assumingMemoryBound(to: UInt8.self)),
            panel_bytes: Int64(panelBytes), rows: Int64(rows), cols: Int64(columns))
        var vectors = input.view(for: format)
        shoal_product(
            kernels.functions, format.code, &matrix, &vectors, Int64(panels.lowerBound),
            Int64(panels.upperBound), out, Int64(stride))
    }

    /// Writes row `row` as singles: what ``WeightFormat/unpackRow(_:into:)`` makes of the stored.
    ///
    /// Traps if there is no such row, or if `out` is not ``columns`` long.
    public func unpackRow(_ row: Int, into out: UnsafeMutableBufferPointer<Float>) {
        precondition(0..<rows ~= row && out.count == columns, "no such row")
        guard let to = out.baseAddress else { return }
        let panel = storage.base + row / Self.rowsPerPanel * panelBytes
        shoal_unpack_panel_row(
            format.code, panel.assumingMemoryBound(to: UInt8.self),
            Int64(row % Self.rowsPerPanel), Int64(columns), to)
    }
}
