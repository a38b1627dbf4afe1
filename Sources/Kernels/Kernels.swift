// Kernels: the Swift face of the C kernels.
//
// Block layouts, repacking, the table chosen at run time and the thread pool live here; the
// arithmetic itself is in `CKernels`, one file per instruction set. Knows nothing of models.
//
// Pointers cross this border unchecked, so every shape is checked once where it enters
// (``PackedMatrix``, ``KernelInput``) and the C side may rely on it.

/// Bounds on what the kernels are asked to do.
public enum KernelsLimits {
    /// Rows or columns of one matrix.
    public static let dimensionMax = 1 << 24
    /// Bytes of one packed matrix.
    public static let matrixBytesMax = 1 << 40
    /// Worker threads of one pool.
    public static let threadsMax = 256
    /// Query heads that share one key head; also the C kernels' bound (`SHOAL_GROUP_MAX`).
    public static let headsPerGroupMax = 256
    /// Elements of one head; also the C kernels' bound (`SHOAL_HEAD_DIM_MAX`).
    public static let headDimensionMax = 1024
    /// Positions of one sequence.
    public static let positionsMax = 1 << 30
}

/// The rules of `numerics.md` that this build computes by.
///
/// The rules are stated where the arithmetic is (the headers of `CKernels/kernels_body.h`, and
/// `elementary.c`), and where operations are put together: which inputs are encoded in 8 bits (all
/// that meet a block format) and which in twice 8 (those of the output matrix, in `Model`).
///
/// Two nodes give the same bits for the same model and tokens if and only if their ids are equal.
/// The id is journaled with a request and must match for it to continue elsewhere; changing any
/// rule of the arithmetic changes it.
public enum NumericsID {
    /// The id of this build.
    public static let current = "shoal-numerics-2"
}
