// Quantisation: model files rewritten with smaller weights.
//
// Here live the encoders of every block format (`Encoders`), the rule that gives each tensor its
// type (`Mix`), and the run over a file that streams tensor by tensor into a new one (`File`).
// Reading formats back is `Kernels`, the file format itself `GGUF`. Nothing here knows what a
// model computes; it sees names and shapes only.
//
// Results are the same bytes for any number of threads and on any machine: a block is encoded by
// itself, in plain single-precision arithmetic in a fixed order.

/// Bounds on what a run takes and how much memory it needs.
public enum QuantisationLimits {
    /// Elements that are read, encoded and written together, unless a row is longer.
    public static let slabElements = 4 << 20
    /// The longest row, in elements: a row is the least that is encoded at once.
    public static let rowElementsMax = 1 << 24
    /// Weights of at most this magnitude become zeros: no scale in half precision reaches them.
    public static let magnitudeMin: Float = 0x1p-34
    /// Matrices of fewer elements keep their type: a smaller one saves nothing worth its error.
    public static let matrixElementsMin = 1024
    /// The most threads that encode.
    public static let threadsMax = 256
}
