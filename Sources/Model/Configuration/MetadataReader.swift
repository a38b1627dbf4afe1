import GGUF

/// Reads the keys of one architecture with their bounds.
struct MetadataReader {
    let file: GGUFFile
    let architecture: Architecture

    private var prefix: String { architecture.rawValue + "." }

    func invalid(_ key: String, _ value: some Any, _ reason: String) -> ModelError {
        .invalidConfiguration(key: prefix + key, value: "\(value)", reason: reason)
    }

    /// Whether the file has the key.
    func has(_ key: String) -> Bool { file.has(prefix + key) }

    /// A number of things, 1...max. Required unless there is a default.
    func count(_ key: String, max: Int, default fallback: Int? = nil) throws(ModelError) -> Int {
        try whole(key, in: 1...max, default: fallback)
    }

    /// A whole number within a range. Required unless there is a default.
    func whole(
        _ key: String, in range: ClosedRange<Int>, default fallback: Int? = nil
    ) throws(ModelError) -> Int {
        let value: Int
        if let fallback, !has(key) {
            value = fallback
        } else {
            value = try readingMetadata { () throws(GGUFError) in
                Int(try file.uint32(prefix + key))
            }
        }
        guard range ~= value else {
            throw invalid(key, value, "it must be in \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    /// A real number within a range. Required unless there is a default.
    func number(
        _ key: String, in range: ClosedRange<Float>, default fallback: Float? = nil
    ) throws(ModelError) -> Float {
        if let fallback, !has(key) { return fallback }
        let value = try readingMetadata { () throws(GGUFError) in try file.float(prefix + key) }
        // A NaN is in no range.
        guard range ~= value else {
            throw invalid(key, value, "it must be in \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    /// A text that may be absent.
    func text(_ key: String, default fallback: String) throws(ModelError) -> String {
        try readingMetadata { () throws(GGUFError) in
            try file.string(prefix + key, default: fallback)
        }
    }

    /// A truth value that may be absent.
    func flag(_ key: String, default fallback: Bool) throws(ModelError) -> Bool {
        guard has(key) else { return fallback }
        return try readingMetadata { () throws(GGUFError) in try file.bool(prefix + key) }
    }

    /// Refuses a feature that this build lacks, where the file switches it on.
    func refuse(_ key: String, _ what: String) throws(ModelError) {
        guard has(key) else { return }
        if let value = try? file.float(prefix + key), value == 0 { return }
        throw .unsupportedFeature("\(what) (\(prefix + key))")
    }
}
