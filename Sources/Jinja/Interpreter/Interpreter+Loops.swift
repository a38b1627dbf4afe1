/// The state of a running loop, which its body sees as `loop`.
///
/// Elements are taken one at a time, because the test that selects them may depend on what the body
/// changes; `loop.last` and `loop.length` look ahead.
final class LoopState {
    fileprivate let source: [Value]
    fileprivate let definition: ForLoop
    fileprivate let scope: Scope
    fileprivate let generator: Generator?
    fileprivate var position = 0
    /// Elements that were looked ahead for, in order.
    fileprivate var ahead: ArraySlice<Value> = []
    fileprivate var index0 = -1
    fileprivate var previous: Value?
    fileprivate var current: Value?
    fileprivate var lastChanged: [Value]?
    let valueDepth: Int

    fileprivate init(
        _ definition: ForLoop, over value: Value, elements: [Value], scope: Scope
    ) throws(TemplateError) {
        self.definition = definition
        self.scope = scope
        source = elements
        if case .generator(let generator) = value {
            self.generator = generator
        } else {
            generator = nil
        }
        valueDepth = max(value.depth, try Value.depth(around: elements))
    }
}

extension Interpreter {
    func run(_ loop: ForLoop, in scope: Scope) throws(TemplateError) {
        let value = try evaluate(loop.source, in: scope)
        var elements: [Value] = []
        if case .generator = value {} else { elements = try self.elements(of: value) }
        let state = try LoopState(
            loop, over: value, elements: elements, scope: scope)
        var isComplete = false
        while let element = try takeNext(state) {
            try charge(1)
            state.index0 += 1
            state.previous = state.current
            state.current = element
            let inner = Scope(parent: scope)
            inner.values["loop"] = .loop(state)
            try bind(loop.target, to: element, in: inner)
            let flow = try run(loop.body, in: inner)
            if flow == .leaveLoop { break }
            if flow == .normal { isComplete = true }
        }
        // As in Jinja2, a round that was left early counts as none.
        if !isComplete { _ = try run(loop.otherwise, in: Scope(parent: scope)) }
    }

    private func takeNext(_ state: LoopState) throws(TemplateError) -> Value? {
        if let element = state.ahead.popFirst() { return element }
        return try search(state)
    }

    /// The next element that passes the loop's test.
    private func search(_ state: LoopState) throws(TemplateError) -> Value? {
        while let element = try nextOfSource(state) {
            guard let test = state.definition.test else { return element }
            try charge(1)
            let inner = Scope(parent: state.scope)
            try bind(state.definition.target, to: element, in: inner)
            if try evaluate(test, in: inner).isTrue { return element }
        }
        return nil
    }

    private func nextOfSource(_ state: LoopState) throws(TemplateError) -> Value? {
        if let generator = state.generator { return try generator.next() }
        guard state.position < state.source.count else { return nil }
        defer { state.position += 1 }
        return state.source[state.position]
    }

    /// The element after the current one, which stays to come.
    private func peek(_ state: LoopState) throws(TemplateError) -> Value? {
        if state.ahead.isEmpty, let element = try search(state) { state.ahead.append(element) }
        return state.ahead.first
    }

    private func length(_ state: LoopState) throws(TemplateError) -> Int {
        if state.definition.test == nil, state.generator == nil { return state.source.count }
        while let element = try search(state) { state.ahead.append(element) }
        return state.index0 + 1 + state.ahead.count
    }

    /// `loop.name`; nil if there is no such attribute.
    func attribute(_ name: String, of state: LoopState) throws(TemplateError) -> Value? {
        switch name {
        case "index": .integer(state.index0 + 1)
        case "index0": .integer(state.index0)
        case "first": .boolean(state.index0 == 0)
        case "last": .boolean(try peek(state) == nil)
        case "length": .integer(try length(state))
        case "revindex": .integer(try length(state) - state.index0)
        case "revindex0": .integer(try length(state) - state.index0 - 1)
        case "previtem": state.index0 == 0 ? .undefined("previtem") : state.previous
        case "nextitem": try peek(state) ?? .undefined("nextitem")
        case "depth": .integer(1)
        case "depth0": .integer(0)
        case "cycle", "changed": .method(name)
        default: nil
        }
    }

    /// `loop.name(arguments)`; nil if there is no such method.
    func call(
        _ name: String, of state: LoopState, _ arguments: CallArguments
    ) throws(TemplateError) -> Value? {
        switch name {
        case "cycle":
            guard !arguments.positional.isEmpty else {
                throw .evaluation("loop.cycle needs values")
            }
            return arguments.positional[state.index0 % arguments.positional.count]
        case "changed":
            if let last = state.lastChanged, try equal(last, arguments.positional) {
                return .boolean(false)
            }
            _ = try Value.depth(around: arguments.positional)
            guard !arguments.positional.contains(where: { $0.depth > 0 }) else {
                throw .unsupported("loop.changed of lists and mappings is not supported")
            }
            state.lastChanged = arguments.positional
            return .boolean(true)
        default: return nil
        }
    }
}
