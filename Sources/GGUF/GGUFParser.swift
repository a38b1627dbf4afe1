/// A cursor over the file's bytes that checks what is left before each read.
struct GGUFCursor {
    /// The whole file. Valid for as long as the caller of ``GGUFLayout/parse(_:)`` holds it.
    let bytes: UnsafeRawBufferPointer
    /// Where the next read begins; never past the end.
    private(set) var offset = 0

    var remaining: Int { bytes.count - offset }

    mutating func skip(_ count: Int, _ what: @autoclosure () -> String) throws(GGUFError) {
        guard count >= 0, count <= remaining else { throw .truncated(what: what(), offset: offset) }
        offset += count
    }

    mutating func read<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type, _ what: @autoclosure () -> String
    ) throws(GGUFError) -> T {
        let start = offset
        try skip(MemoryLayout<T>.size, what())
        // In bounds: `skip` has just checked it.
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: T.self))
    }

    /// A 64-bit length or count of at most `limit`.
    mutating func readCount(
        limit: Int, _ what: @autoclosure () -> String
    ) throws(GGUFError) -> Int {
        let value = try read(UInt64.self, what())
        guard value <= UInt64(limit) else {
            throw .tooLarge(what: what(), value: value, limit: limit)
        }
        return Int(value)
    }

    /// A length-prefixed UTF-8 string of at most `limit` bytes.
    mutating func readString(
        limit: Int, _ what: @autoclosure () -> String
    ) throws(GGUFError) -> String {
        let count = try readCount(limit: limit, "the length of \(what())")
        let start = offset
        try skip(count, what())
        guard let text = String(validating: bytes[start..<start + count], as: UTF8.self) else {
            throw .invalidUTF8(what: what())
        }
        return text
    }
}

/// Everything a file says before its data, checked.
struct GGUFLayout {
    var version: UInt32 = 0
    var alignment = 32
    var metadata: [String: GGUFValue] = [:]
    var metadataOrder: [String] = []
    var tensors: [GGUFTensor] = []

    /// Parses and checks a whole file.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(GGUFError) -> GGUFLayout {
        var layout = GGUFLayout()
        var cursor = GGUFCursor(bytes: bytes)
        guard !bytes.isEmpty else { throw .empty }
        let magic: [UInt8] = [0x47, 0x47, 0x55, 0x46]
        guard bytes.prefix(4).elementsEqual(magic.prefix(bytes.count)) else { throw .notGGUF }
        try cursor.skip(4, "the header")
        layout.version = try cursor.read(UInt32.self, "the header")
        guard GGUFLimits.versions.contains(layout.version) else {
            throw GGUFLimits.versions.contains(layout.version.byteSwapped)
                ? .bigEndian : .unsupportedVersion(layout.version)
        }
        let tensorCount = try cursor.readCount(limit: GGUFLimits.tensorsMax, "the tensor count")
        let entryCount = try cursor.readCount(
            limit: GGUFLimits.metadataEntriesMax, "the count of metadata entries")
        try layout.parseMetadata(entryCount, &cursor)
        try layout.parseTensors(tensorCount, &cursor)
        return layout
    }

    private mutating func parseMetadata(
        _ count: Int, _ cursor: inout GGUFCursor
    ) throws(GGUFError) {
        let start = cursor.offset
        for index in 0..<count {
            let key = try cursor.readString(
                limit: GGUFLimits.keyBytesMax, "the key of metadata entry \(index)")
            let rawType = try cursor.read(UInt32.self, "the type of metadata key \(key)")
            guard let type = GGUFValueType(rawValue: rawType) else {
                throw .unknownValueType(key: key, type: rawType)
            }
            let value = try Self.parseValue(type, key: key, &cursor)
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw .duplicateKey(key)
            }
            metadataOrder.append(key)
            guard cursor.offset - start <= GGUFLimits.metadataBytesMax else {
                throw .tooLarge(
                    what: "the bytes of all metadata", value: UInt64(cursor.offset - start),
                    limit: GGUFLimits.metadataBytesMax)
            }
        }
        if let value = metadata["general.alignment"] {
            guard let wanted = value.integer(as: UInt64.self) else {
                throw .wrongType(
                    key: "general.alignment", expected: "an integer", found: value.typeName)
            }
            guard wanted.nonzeroBitCount == 1, wanted >= UInt64(GGUFLimits.alignmentMin),
                wanted <= UInt64(GGUFLimits.alignmentMax)
            else { throw .invalidAlignment(wanted) }
            alignment = Int(wanted)
        }
    }

    private static func parseValue(
        _ type: GGUFValueType, key: String, _ cursor: inout GGUFCursor
    ) throws(GGUFError) -> GGUFValue {
        switch type {
        case .uint8: return .uint8(try cursor.read(UInt8.self, "metadata key \(key)"))
        case .int8: return .int8(try cursor.read(Int8.self, "metadata key \(key)"))
        case .uint16: return .uint16(try cursor.read(UInt16.self, "metadata key \(key)"))
        case .int16: return .int16(try cursor.read(Int16.self, "metadata key \(key)"))
        case .uint32: return .uint32(try cursor.read(UInt32.self, "metadata key \(key)"))
        case .int32: return .int32(try cursor.read(Int32.self, "metadata key \(key)"))
        case .uint64: return .uint64(try cursor.read(UInt64.self, "metadata key \(key)"))
        case .int64: return .int64(try cursor.read(Int64.self, "metadata key \(key)"))
        case .float32:
            return .float32(Float(bitPattern: try cursor.read(UInt32.self, "metadata key \(key)")))
        case .float64:
            return .float64(Double(bitPattern: try cursor.read(UInt64.self, "metadata key \(key)")))
        case .bool:
            let byte = try cursor.read(UInt8.self, "metadata key \(key)")
            guard byte <= 1 else { throw .invalidBool(key: key, value: byte) }
            return .bool(byte == 1)
        case .string:
            return .string(
                try cursor.readString(
                    limit: GGUFLimits.stringBytesMax, "the value of metadata key \(key)"))
        case .array:
            return .array(try parseArray(key: key, &cursor))
        }
    }

    private static func parseArray(
        key: String, _ cursor: inout GGUFCursor
    ) throws(GGUFError) -> GGUFArray {
        let rawType = try cursor.read(UInt32.self, "the element type of metadata key \(key)")
        guard let type = GGUFValueType(rawValue: rawType) else {
            throw .unknownValueType(key: key, type: rawType)
        }
        guard type != .array else {
            throw .tooLarge(
                what: "the nesting of arrays in metadata key \(key)", value: 2,
                limit: GGUFLimits.arrayNestingMax)
        }
        let count = try cursor.readCount(
            limit: GGUFLimits.arrayElementsMax, "the element count of metadata key \(key)")
        // A string takes at least its length's 8 bytes. Checked before anything is allocated.
        guard count <= cursor.remaining / (type.byteCount ?? 8) else {
            throw .truncated(what: "the array of metadata key \(key)", offset: cursor.offset)
        }
        let start = cursor.offset
        var starts: [Int] = []
        if let size = type.byteCount {
            try cursor.skip(count * size, "the array of metadata key \(key)")
        } else {
            starts.reserveCapacity(count)
            for _ in 0..<count {
                starts.append(cursor.offset - start)
                let length = try cursor.readCount(
                    limit: GGUFLimits.arrayStringBytesMax, "a string of metadata key \(key)")
                try cursor.skip(length, "the array of metadata key \(key)")
            }
        }
        guard cursor.offset - start <= GGUFLimits.metadataBytesMax else {
            throw .tooLarge(
                what: "the bytes of metadata key \(key)", value: UInt64(cursor.offset - start),
                limit: GGUFLimits.metadataBytesMax)
        }
        let bytes = [UInt8](UnsafeRawBufferPointer(rebasing: cursor.bytes[start..<cursor.offset]))
        if type == .bool, let wrong = bytes.first(where: { $0 > 1 }) {
            throw .invalidBool(key: key, value: wrong)
        }
        return GGUFArray(elementType: type, count: count, bytes: bytes, starts: starts)
    }

    private mutating func parseTensors(_ count: Int, _ cursor: inout GGUFCursor) throws(GGUFError) {
        // Name length, dimension count, one dimension, type and offset: 32 bytes at least.
        guard count <= cursor.remaining / 32 else {
            throw .truncated(what: "the list of tensors", offset: cursor.offset)
        }
        var names: Set<String> = []
        var relative: [(name: String, dimensions: [Int], type: GGUFTensorType, offset: UInt64)] = []
        for index in 0..<count {
            let name = try cursor.readString(
                limit: GGUFLimits.tensorNameBytesMax, "the name of tensor \(index)")
            guard names.insert(name).inserted else { throw .duplicateTensor(name) }
            let dimensionCount = try cursor.read(UInt32.self, "the shape of tensor \(name)")
            guard (1...UInt32(GGUFLimits.dimensionsMax)).contains(dimensionCount) else {
                throw .invalidShape(
                    tensor: name,
                    reason: "\(dimensionCount) dimensions, where 1 to "
                        + "\(GGUFLimits.dimensionsMax) are allowed")
            }
            var dimensions: [Int] = []
            for _ in 0..<dimensionCount {
                dimensions.append(
                    try cursor.readCount(
                        limit: GGUFLimits.dimensionMax, "a dimension of tensor \(name)"))
            }
            let rawType = try cursor.read(UInt32.self, "the type of tensor \(name)")
            guard let type = GGUFTensorType(rawValue: rawType) else {
                throw .unknownTensorType(tensor: name, type: rawType)
            }
            let offset = try cursor.read(UInt64.self, "the offset of tensor \(name)")
            relative.append((name, dimensions, type, offset))
        }
        // The data begins at the next multiple of the alignment. A file without tensors may end
        // before it. No overflow: an offset in the file plus at most 64 KiB.
        let dataStart = (cursor.offset + alignment - 1) / alignment * alignment
        for entry in relative {
            let byteCount = try GGUFTensor.byteCount(
                name: entry.name, dimensions: entry.dimensions, type: entry.type)
            guard entry.offset % UInt64(alignment) == 0 else {
                throw .misalignedTensor(
                    tensor: entry.name, offset: entry.offset, alignment: alignment)
            }
            let (begin, overflow1) = entry.offset.addingReportingOverflow(UInt64(dataStart))
            let (end, overflow2) = begin.addingReportingOverflow(UInt64(byteCount))
            guard !overflow1, !overflow2, end <= UInt64(cursor.bytes.count) else {
                throw .tensorBeyondEnd(
                    tensor: entry.name, end: overflow1 || overflow2 ? .max : end,
                    fileBytes: cursor.bytes.count)
            }
            tensors.append(
                GGUFTensor(
                    name: entry.name, dimensions: entry.dimensions, type: entry.type,
                    offset: Int(begin), byteCount: byteCount))
        }
        let ordered = tensors.sorted { $0.offset < $1.offset }
        for (first, second) in zip(ordered, ordered.dropFirst())
        where first.offset + first.byteCount > second.offset {
            throw .overlappingTensors(first.name, second.name)
        }
    }
}
