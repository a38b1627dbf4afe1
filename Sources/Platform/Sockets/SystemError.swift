/// Why the system refused something.
package struct SystemError: Error, Sendable {
    /// Its number: `errno`.
    package let code: Int32

    /// The error with this number.
    package init(code: Int32) { self.code = code }
}
