/// Why a file could not be read as GGUF, or a value in it not used.
///
/// `description` is one line that a user can act on.
public enum GGUFError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file could not be opened, mapped or written; `reason` is the system's word for why.
    case io(path: String, reason: String)
    /// The path names something other than a regular file.
    case notARegularFile(path: String)
    /// The file has no bytes at all.
    case empty
    /// The file does not begin with the four bytes `GGUF`.
    case notGGUF
    /// The file was written for big-endian machines.
    case bigEndian
    /// A version outside ``GGUFLimits/versions``.
    case unsupportedVersion(UInt32)
    /// The file ends inside `what`, at byte `offset`.
    case truncated(what: String, offset: Int)
    /// A count or length above its limit.
    case tooLarge(what: String, value: UInt64, limit: Int)
    /// Bytes that should be UTF-8 are not.
    case invalidUTF8(what: String)
    /// A number that stands for no value type.
    case unknownValueType(key: String, type: UInt32)
    /// A truth value that is neither 0 nor 1.
    case invalidBool(key: String, value: UInt8)
    /// A metadata key that appears twice.
    case duplicateKey(String)
    /// A tensor name that appears twice.
    case duplicateTensor(String)
    /// `general.alignment` is not a power of two within the limits.
    case invalidAlignment(UInt64)
    /// A tensor of a type this parser doesn't know.
    case unknownTensorType(tensor: String, type: UInt32)
    /// A tensor with no dimension or too many, an empty one, or a row that is not whole blocks.
    case invalidShape(tensor: String, reason: String)
    /// A tensor whose data doesn't begin at a multiple of the alignment.
    case misalignedTensor(tensor: String, offset: UInt64, alignment: Int)
    /// A tensor whose data reaches beyond the end of the file.
    case tensorBeyondEnd(tensor: String, end: UInt64, fileBytes: Int)
    /// Two tensors that share bytes.
    case overlappingTensors(String, String)
    /// A key that the reader of the file needs and that isn't there.
    case missingKey(String)
    /// A key whose value is of another type than needed, or out of its range.
    case wrongType(key: String, expected: String, found: String)
    /// Data handed to the writer that doesn't fit the tensor's shape.
    case dataSizeMismatch(tensor: String, expected: Int, found: Int)

    /// One line that a user can act on.
    public var description: String {
        switch self {
        case .io(let path, let reason):
            "\(path): \(reason)"
        case .notARegularFile(let path):
            "\(path): not a regular file; give the path of a .gguf file"
        case .empty:
            "the file is empty; was its download interrupted?"
        case .notGGUF:
            "not a GGUF file: it does not begin with the letters GGUF"
        case .bigEndian:
            "this GGUF file was written for big-endian machines; convert it to little-endian"
        case .unsupportedVersion(let version):
            "GGUF version \(version) is not supported; versions "
                + "\(GGUFLimits.versions.lowerBound) to \(GGUFLimits.versions.upperBound) are"
        case .truncated(let what, let offset):
            "the file ends inside \(what), at byte \(offset); was its download interrupted?"
        case .tooLarge(let what, let value, let limit):
            "\(what): \(value) is above the limit of \(limit)"
        case .invalidUTF8(let what):
            "\(what) is not valid UTF-8"
        case .unknownValueType(let key, let type):
            "metadata key \(key) has the unknown value type \(type)"
        case .invalidBool(let key, let value):
            "metadata key \(key) should be true or false but holds \(value)"
        case .duplicateKey(let key):
            "metadata key \(key) appears twice"
        case .duplicateTensor(let name):
            "tensor \(name) appears twice"
        case .invalidAlignment(let value):
            "general.alignment is \(value); it must be a power of two from "
                + "\(GGUFLimits.alignmentMin) to \(GGUFLimits.alignmentMax)"
        case .unknownTensorType(let tensor, let type):
            "tensor \(tensor) has the unknown type \(type)"
        case .invalidShape(let tensor, let reason):
            "tensor \(tensor) has an invalid shape: \(reason)"
        case .misalignedTensor(let tensor, let offset, let alignment):
            "tensor \(tensor) begins at offset \(offset), not a multiple of \(alignment)"
        case .tensorBeyondEnd(let tensor, let end, let fileBytes):
            "tensor \(tensor) would end at byte \(end) but the file has \(fileBytes); "
                + "was its download interrupted?"
        case .overlappingTensors(let first, let second):
            "tensors \(first) and \(second) share bytes"
        case .missingKey(let key):
            "the file lacks the metadata key \(key)"
        case .wrongType(let key, let expected, let found):
            "metadata key \(key) should be \(expected) but is \(found)"
        case .dataSizeMismatch(let tensor, let expected, let found):
            "tensor \(tensor) needs \(expected) bytes of data but got \(found)"
        }
    }
}
