#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Why the system refused something.
package struct SystemError: Error, Sendable {
    /// Its number: `errno`.
    package let code: Int32

    /// The error with this number.
    package init(code: Int32) { self.code = code }

    /// The system has no more of what a thread needs.
    package static let noThread = EAGAIN
}
