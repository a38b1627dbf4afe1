// GGUF: the file format of models (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
//
// The bounded parser, memory-mapped tensors and the writer live here. A length or offset from the
// file is checked against the file and against `GGUFLimits` before anything is read or allocated.
// No arithmetic on weights (that is `Kernels`) and no knowledge of architectures (`Model`).
//
// A model file may come from a stranger: a parsed `GGUFFile` has every tensor inside the file,
// aligned, of a whole number of blocks, and overlapping no other; code above may rely on it.

/// Bounds on what the parser accepts. They are far above any file in use, and low enough that a
/// hostile file cannot make a node allocate much more than the file's own size.
public enum GGUFLimits {
    /// The most metadata entries in a file.
    public static let metadataEntriesMax = 65_536
    /// The longest metadata key, in bytes (the specification's own limit).
    public static let keyBytesMax = 65_535
    /// The longest string that is a value by itself (a chat template, say), in bytes.
    public static let stringBytesMax = 4 << 20
    /// The longest string inside an array (a token, a merge), in bytes.
    public static let arrayStringBytesMax = 65_536
    /// The most elements of one array.
    public static let arrayElementsMax = 1 << 24
    /// How deep arrays may nest: 1 means that an array holds no arrays.
    public static let arrayNestingMax = 1
    /// The most bytes that all metadata may take in the file.
    public static let metadataBytesMax = 256 << 20
    /// The most tensors in a file.
    public static let tensorsMax = 65_536
    /// The longest tensor name, in bytes (the format's own limit is 64; some files exceed it).
    public static let tensorNameBytesMax = 256
    /// The most dimensions of a tensor.
    public static let dimensionsMax = 4
    /// The largest single dimension of a tensor, in elements.
    public static let dimensionMax = 1 << 40
    /// The least alignment of tensor data, in bytes: the specification wants a multiple of 8.
    public static let alignmentMin = 8
    /// The largest alignment of tensor data, in bytes.
    public static let alignmentMax = 65_536
    /// The versions this parser reads. Version 1 had 32-bit lengths and is extinct.
    public static let versions: ClosedRange<UInt32> = 2...3
}
