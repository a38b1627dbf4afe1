extension Filters {
    static let dictSort: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["case_sensitive", "by", "reverse"], to: "dictsort")
        guard case .mapping(let mapping) = value else {
            throw .evaluation("dictsort of a \(interpreter.described(value))")
        }
        let by =
            try bound[1].map { (by) throws(TemplateError) in
                try TextMethods.text(by).string
            } ?? "key"
        guard by == "key" || by == "value" else { throw .evaluation("dictsort by '\(by)'") }
        let isExact = bound[0]?.isTrue ?? false
        var entries: [(key: [Value], value: Value)] = []
        for (pair, key) in zip(
            try interpreter.pairs(of: mapping), by == "key" ? mapping.keys : mapping.values)
        {
            entries.append(([isExact ? key : key.foldedCase], pair))
        }
        return try .list(
            try interpreter.sorted(entries, isReverse: bound[2]?.isTrue ?? false))
    }

    static let sort: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["reverse", "case_sensitive", "attribute"], to: "sort")
        let isExact = bound[1]?.isTrue ?? false
        var paths: [Value?] = [nil]
        if case .text(let path)? = bound[2] {
            paths = path.parts(around: JinjaText(",")).map { .text($0) }
        } else if let path = bound[2] {
            if case .none = path {} else { paths = [path] }
        }
        var entries: [(key: [Value], value: Value)] = []
        for element in try interpreter.elements(of: value) {
            var keys: [Value] = []
            for path in paths {
                let key =
                    try path.map { (path) throws(TemplateError) in
                        try interpreter.member(path, of: element)
                    } ?? element
                keys.append(isExact ? key : key.foldedCase)
            }
            entries.append((keys, element))
        }
        return try .list(
            try interpreter.sorted(entries, isReverse: bound[0]?.isTrue ?? false))
    }

    static let unique: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["case_sensitive", "attribute"], to: "unique")
        let isExact = bound[0]?.isTrue ?? false
        return try generator { (results) throws(TemplateError) in
            var seen: Set<Key> = []
            for element in try interpreter.elements(of: value) {
                try interpreter.charge(1)
                let key =
                    try bound[1].map { (path) throws(TemplateError) in
                        try interpreter.member(path, of: element)
                    } ?? element
                if seen.insert(try Key(isExact ? key : key.foldedCase)).inserted {
                    results.append(element)
                }
            }
        }
    }

    static func extreme(
        _ value: Value, _ arguments: CallArguments, _ interpreter: Interpreter, isMax: Bool
    ) throws(TemplateError) -> Value {
        let bound = try arguments.bind(["case_sensitive", "attribute"], to: isMax ? "max" : "min")
        let isExact = bound[0]?.isTrue ?? false
        var best: (key: Value, element: Value)?
        for element in try interpreter.elements(of: value) {
            var key =
                try bound[1].map { (path) throws(TemplateError) in
                    try interpreter.member(path, of: element)
                } ?? element
            if !isExact { key = key.foldedCase }
            guard let current = best else {
                best = (key, element)
                continue
            }
            let isBetter =
                isMax
                ? try interpreter.isLess(current.key, key)
                : try interpreter.isLess(key, current.key)
            if isBetter { best = (key, element) }
        }
        return best?.element ?? .undefined("the extreme of an empty list")
    }
}

extension Value {
    /// A string in lower case; any other value as it is.
    fileprivate var foldedCase: Value {
        if case .text(let text) = self { .text(text.lowercased) } else { self }
    }
}

extension Interpreter {
    /// The member of `value` that a path such as "function.name" or "0" leads to.
    func member(
        _ path: Value, of value: Value, fallback: Value? = nil
    ) throws(TemplateError) -> Value {
        var steps = [path]
        if case .text(let text) = path {
            steps = text.parts(around: JinjaText(".")).map { part in
                part.isAll(Characters.isDigit)
                    ? Int(part.string).map { .integer($0) } ?? .text(part) : .text(part)
            }
        }
        var value = value
        for step in steps {
            try charge(1)
            value = try item(step, of: value)
            if value.isUndefined, let fallback {
                if case .none = fallback {} else { value = fallback }
            }
        }
        return value
    }

    /// The values by their keys. Values with equal keys keep their order.
    fileprivate func sorted(
        _ entries: [(key: [Value], value: Value)], isReverse: Bool
    ) throws(TemplateError) -> [Value] {
        let order = isReverse ? Array(entries.reversed()) : entries
        let sorted = try sorted(order) { (a, b) throws(TemplateError) in
            for (x, y) in zip(a.key, b.key) where !(try self.equal(x, y)) {
                return try self.isLess(x, y)
            }
            return false
        }
        let values = sorted.map(\.value)
        return isReverse ? values.reversed() : values
    }

    /// A stable merge sort, which counts its comparisons.
    func sorted<T>(
        _ items: [T], by isLess: (T, T) throws(TemplateError) -> Bool
    ) throws(TemplateError) -> [T] {
        try charge(items.count)
        var items = items
        var width = 1
        while width < items.count {
            var merged: [T] = []
            merged.reserveCapacity(items.count)
            for start in stride(from: 0, to: items.count, by: 2 * width) {
                let middle = min(start + width, items.count)
                let end = min(start + 2 * width, items.count)
                var (left, right) = (start, middle)
                while left < middle, right < end {
                    if try isLess(items[right], items[left]) {
                        merged.append(items[right])
                        right += 1
                    } else {
                        merged.append(items[left])
                        left += 1
                    }
                }
                merged += items[left..<middle]
                merged += items[right..<end]
            }
            items = merged
            width *= 2
        }
        return items
    }
}
