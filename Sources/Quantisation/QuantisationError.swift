public import GGUF

/// Why a file was not quantised. Nothing is left at the output's path that was not there before.
public enum QuantisationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The output could not be written; `reason` is the system's word for why.
    case output(path: String, reason: String)
    /// The output is there already.
    case exists(path: String)
    /// The output is the input.
    case sameFile(path: String)
    /// A tensor that has to be converted is of a type that cannot be read.
    case unreadable(tensor: String, type: GGUFTensorType)
    /// A row above the limit.
    case rowTooLong(tensor: String, elements: Int)
    /// A weight that is no number, or infinite.
    case notFinite(tensor: String, row: Int)
    /// A weight that the type cannot hold.
    case tooLarge(tensor: String, row: Int, type: GGUFTensorType)
    /// The new file's header cannot be made.
    case header(GGUFError)
    /// The caller asked for it to stop.
    case cancelled

    /// One line that a user can act on.
    public var description: String {
        switch self {
        case .output(let path, let reason):
            "\(path): \(reason)"
        case .exists(let path):
            "\(path) is there already; give another name, or --force to replace it"
        case .sameFile(let path):
            "\(path) is the input itself; give the output another name"
        case .unreadable(let tensor, let type):
            "tensor \(tensor) is \(type), which cannot be read to convert it; "
                + "start from an F32, F16 or BF16 file"
        case .rowTooLong(let tensor, let elements):
            "tensor \(tensor) has rows of \(elements) elements; "
                + "at most \(QuantisationLimits.rowElementsMax) can be converted"
        case .notFinite(let tensor, let row):
            "tensor \(tensor) holds a value in row \(row) that is not a finite number; "
                + "the file is damaged or its model diverged"
        case .tooLarge(let tensor, let row, let type):
            "tensor \(tensor) holds a value in row \(row) that is too large for \(type); "
                + "use BF16 or F32"
        case .header(let error):
            "\(error)"
        case .cancelled:
            "stopped; nothing was written"
        }
    }
}
