/// A template, parsed.
public struct Template: Sendable, Hashable {
    /// The source it was made of.
    public let source: String
    private let body: [Statement]

    /// Parses `source`. Throws, naming the line, if it is no template, uses what is not supported,
    /// or exceeds ``JinjaLimits``.
    public init(_ source: String) throws(TemplateError) {
        body = try Parser.parse(source)
        self.source = source
    }

    /// The text that the template makes of `context`.
    ///
    /// `now` is what `strftime_now` tells; without it there is no such function. Throws, naming the
    /// line, if the template raises an exception, does what Python does not allow, or exceeds
    /// ``JinjaLimits``. The same template and values give the same text, always.
    public func render(
        _ context: JinjaObject, now: JinjaDate? = nil
    ) throws(TemplateError) -> JinjaText {
        try render(context, now: now, workMax: JinjaLimits.workMax)
    }

    /// The same with a bound on the work of the caller's own, so that tests reach it soon.
    package func render(
        _ context: JinjaObject, now: JinjaDate? = nil, workMax: Int
    ) throws(TemplateError) -> JinjaText {
        try Interpreter(context: context, now: now, workMax: workMax).render(body)
    }

    /// Templates are equal if their sources are.
    public static func == (left: Self, right: Self) -> Bool { left.source == right.source }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(source) }
}
