/// A piece of a template's source.
struct Token {
    enum Kind: Equatable {
        /// Text between tags, as it goes to the output.
        case text(JinjaText)
        case blockBegin, blockEnd
        case variableBegin, variableEnd
        case name(String)
        case integer(Int)
        case float(Double)
        case string(JinjaText)
        /// An operator or a bracket.
        case symbol(String)
        case end
    }

    let kind: Kind
    /// The line of its first character, from 1.
    let line: Int

    /// The token as a message names it.
    var description: String {
        switch kind {
        case .text: "text"
        case .blockBegin: "'{%'"
        case .blockEnd: "'%}'"
        case .variableBegin: "'{{'"
        case .variableEnd: "'}}'"
        case .name(let name): "'\(name)'"
        case .integer(let number): "'\(number)'"
        case .float(let number): "'\(number)'"
        case .string: "a string"
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the end of the template"
        }
    }
}
