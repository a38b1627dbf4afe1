// Jinja: the part of the Jinja2 template language that chat templates in model files use.
//
// Pure: imports nothing, reads no clock and draws no random numbers; the date comes from the caller.
//
// What lives here: `Template` (source to tree), the interpreter, and the filters, tests, functions
// and methods of strings and mappings that templates call, with the meaning Python gives them. The
// settings are those under which published chat templates are written: trim_blocks and
// lstrip_blocks on, loop controls, an immutable sandbox (a list has no `append`), and a `tojson`
// that writes what Python's json.dumps writes without escaping.
//
// What may not live here: anything that knows of models, messages or tokens.
//
// A template comes from a stranger's file and the values from a stranger's request. So every
// character carries whether it is trusted (`JinjaText`), and all work, depth and memory is bounded:
// a rendering ends with a text or an error.
//
// Where this departs from Jinja2: integers have 64 bits; `safe` and `escape` give plain strings;
// `include`, `import`, `extends`, `block` and recursive loops are refused, and so are the filters
// and tests that no chat template uses; `str.format` and `%` know the common conversions only.

/// Bounds on templates and on their renderings.
public enum JinjaLimits {
    /// The longest source, in bytes.
    public static let sourceBytesMax = 1 << 20
    /// The deepest nesting of blocks and of expressions in a source.
    public static let nestingMax = 64
    /// The deepest nesting of evaluations, macro calls included.
    public static let evaluationDepthMax = 192
    /// The deepest nesting of lists and mappings.
    public static let valueDepthMax = 64
    /// The work of one rendering: about one for each node visited, each element of a list made,
    /// and every eight characters read or written. It bounds the memory too.
    public static let workMax = 4 << 20
    /// The longest string that a rendering makes, in characters.
    public static let textCharactersMax = 4 << 20
    /// The longest list that a rendering makes.
    public static let listCountMax = 1 << 20
    /// The longest `range`, as in Jinja2's sandbox.
    public static let rangeCountMax = 100_000
    /// The most digits after the point in a formatted number, and the most characters that a
    /// width pads to.
    public static let formatWidthMax = 4096
    /// The longest JSON text that is read, in bytes.
    public static let jsonBytesMax = 4 << 20
}
