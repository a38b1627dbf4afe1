/// Where a page stands in a chain of whole pages: what came before it, by identity.
enum PageLink: Hashable, Sendable {
    /// The first page of a sequence of this scope.
    case scope(String)
    /// A page after the one with this serial number. Serial numbers are never used again, so that
    /// a page that was evicted and filled anew is not taken for what it was.
    case page(UInt64)
}

/// Which pages of keys and values are in use, by how many sequences, and what finished pages hold.
///
/// A page is free, in use (`references` > 0), or kept: in use by no one, but full and registered
/// under its tokens, so that a prompt that begins alike need not be computed again. Kept pages go,
/// least recently used first, when a page is needed.
///
/// A registered page is found by the page before it and its own tokens, compared one by one: equal
/// hashes never mix prompts. A chain begins with the caller's scope, so that no caller can learn
/// from timing what another asked.
struct PagePool: Sendable {
    /// What a registered page holds.
    private struct Content: Hashable, Sendable {
        var parent: PageLink
        var tokens: [Int32]
    }

    let pageCount: Int
    /// Positions in a page.
    let positions: Int
    private var free: [Int32]
    private var references: [Int32]
    private var registered: [Content: Int32] = [:]
    private var contents: [Int32: (content: Content, serial: UInt64)] = [:]
    private var pagesBySerial: [UInt64: Int32] = [:]
    private var nextSerial: UInt64 = 0
    private var kept: RecencyList
    /// Counts every change of what is registered and of when it was used.
    private(set) var usesCount: UInt64 = 0

    init(pageCount: Int, positions: Int) {
        self.pageCount = pageCount
        self.positions = positions
        // The lowest page first, and later the one given back last: memory that no one needed yet
        // stays untouched.
        free = (0..<Int32(pageCount)).reversed()
        references = Array(repeating: 0, count: pageCount)
        kept = RecencyList(count: pageCount)
    }

    /// Pages that can be had: free ones, and those only kept.
    var availableCount: Int { free.count + kept.count }
    /// Pages that no sequence uses but that hold something worth keeping.
    var keptCount: Int { kept.count }

    /// Pages for so many positions.
    func pages(for count: Int) -> Int { (count + positions - 1) / positions }

    func references(to page: Int32) -> Int { Int(references[Int(page)]) }

    /// A page to write to, used once; nil where all are in use.
    mutating func allocate() -> Int32? {
        let page: Int32
        if let last = free.popLast() {
            page = last
        } else if let oldest = kept.oldest {
            kept.remove(oldest)
            forget(oldest)
            page = oldest
        } else {
            return nil
        }
        references[Int(page)] = 1
        return page
    }

    /// One more sequence uses a page that is in use.
    mutating func share(_ page: Int32) { references[Int(page)] += 1 }

    /// A sequence gives its pages back, in the order of their positions. Those deeper in a chain
    /// count as older: without those before them they could not be found.
    mutating func release(_ pages: [Int32]) {
        for page in pages.reversed() {
            references[Int(page)] -= 1
            guard references[Int(page)] == 0 else { continue }
            if contents[page] != nil {
                kept.appendNewest(page)
            } else {
                free.append(page)
            }
        }
    }

    /// The registered page after `parent` with these tokens, now used once more; nil if none is.
    mutating func take(after parent: PageLink, tokens: ArraySlice<Int32>) -> (Int32, PageLink)? {
        guard let page = registered[Content(parent: parent, tokens: Array(tokens))],
            let serial = contents[page]?.serial
        else { return nil }
        if references[Int(page)] == 0 { kept.remove(page) }
        references[Int(page)] += 1
        usesCount += 1
        return (page, .page(serial))
    }

    /// Registers a full page under its tokens. Gives the link for the page after it. Where another
    /// page holds the same already, that one stays the one to be found; and a page that is
    /// registered keeps its place, although the page before it may be known anew by now.
    mutating func register(
        _ page: Int32, after parent: PageLink, tokens: ArraySlice<Int32>
    ) -> PageLink {
        if let serial = contents[page]?.serial { return .page(serial) }
        let content = Content(parent: parent, tokens: Array(tokens))
        if let same = registered[content], let serial = contents[same]?.serial {
            return .page(serial)
        }
        nextSerial += 1
        usesCount += 1
        registered[content] = page
        contents[page] = (content, nextSerial)
        pagesBySerial[nextSerial] = page
        return .page(nextSerial)
    }

    private mutating func forget(_ page: Int32) {
        guard let old = contents.removeValue(forKey: page) else { return }
        registered[old.content] = nil
        pagesBySerial[old.serial] = nil
        usesCount += 1
    }

    // MARK: What is here, for others

    /// Beginnings of chains of registered pages, of 1, 2, 4, 8… pages each: those in use, then those
    /// kept, most recently used first. Looks at ``EngineLimits/prefixPagesLookedAt`` pages at most.
    func recentPrefixes(limit: Int) -> [CachedPrefix] {
        let used = references.indices.lazy.filter { references[$0] > 0 }.map { Int32($0) }
        let newest = kept.newestFirst(limit: EngineLimits.prefixPagesLookedAt)
        var found: [CachedPrefix] = []
        var depths: [Int32: Int] = [:]
        for page in Array(used.prefix(EngineLimits.prefixPagesLookedAt)) + newest {
            guard found.count < limit else { break }
            guard let depth = depth(of: page, &depths), depth & (depth - 1) == 0,
                let prefix = prefix(to: page)
            else { continue }
            found.append(prefix)
        }
        return found
    }

    /// How many pages a chain has up to a registered page; nil for one that is not registered, or
    /// whose chain is broken, so that no prompt finds it.
    private func depth(of page: Int32, _ known: inout [Int32: Int]) -> Int? {
        var chain: [Int32] = []
        var next: Int32? = page
        while let page = next {
            if let depth = known[page] {
                for (steps, page) in chain.reversed().enumerated() {
                    known[page] = depth + steps + 1
                }
                return known[chain.first ?? page]
            }
            chain.append(page)
            guard let content = contents[page]?.content, chain.count <= pageCount else {
                return nil
            }
            switch content.parent {
            case .page(let serial): next = pagesBySerial[serial]
            case .scope:
                for (steps, page) in chain.reversed().enumerated() { known[page] = steps + 1 }
                return chain.count
            }
        }
        return nil
    }

    /// The tokens of a chain up to a registered page, and whose it is.
    private func prefix(to page: Int32) -> CachedPrefix? {
        var parts: [[Int32]] = []
        var next: Int32? = page
        while let page = next, let content = contents[page]?.content {
            parts.append(content.tokens)
            switch content.parent {
            case .page(let serial): next = pagesBySerial[serial]
            case .scope(let scope):
                return CachedPrefix(caller: scope, tokens: Array(parts.reversed().joined()))
            }
        }
        return nil
    }

    /// What is wrong with the books, given all that sequences hold; for tests.
    func inconsistency(held: [[Int32]]) -> String? {
        var counts = Array(repeating: Int32(0), count: pageCount)
        for page in held.joined() { counts[Int(page)] += 1 }
        if counts != references { return "references differ from what sequences hold" }
        let inUse = references.filter { $0 > 0 }.count
        if free.count + kept.count + inUse != pageCount { return "pages are lost or doubled" }
        if Set(free).count != free.count { return "a page is free twice" }
        if free.contains(where: { references[Int($0)] > 0 || contents[$0] != nil }) {
            return "a free page is in use or registered"
        }
        if kept.all.contains(where: { references[Int($0)] > 0 || contents[$0] == nil }) {
            return "a kept page is in use or not registered"
        }
        if pagesBySerial.count != contents.count { return "serial numbers differ from pages" }
        return registered.count == contents.count ? nil : "registered pages differ both ways"
    }
}

/// Pages in the order of their last use: a doubly linked list in two arrays, so that every change
/// takes constant time.
struct RecencyList: Sendable {
    private var newer: [Int32]
    private var older: [Int32]
    private(set) var oldest: Int32?
    private var newest: Int32?
    private(set) var count = 0

    init(count: Int) {
        newer = Array(repeating: -1, count: count)
        older = newer
    }

    /// Puts in a page that is not in the list.
    mutating func appendNewest(_ page: Int32) {
        older[Int(page)] = newest ?? -1
        newer[Int(page)] = -1
        if let newest { newer[Int(newest)] = page } else { oldest = page }
        newest = page
        count += 1
    }

    /// Takes out a page that is in the list.
    mutating func remove(_ page: Int32) {
        let (before, after) = (older[Int(page)], newer[Int(page)])
        if before >= 0 { newer[Int(before)] = after } else { oldest = after >= 0 ? after : nil }
        if after >= 0 { older[Int(after)] = before } else { newest = before >= 0 ? before : nil }
        count -= 1
    }

    /// From the newest, at most `limit`.
    func newestFirst(limit: Int) -> [Int32] {
        var pages: [Int32] = []
        var next = newest
        while let page = next, pages.count < limit {
            pages.append(page)
            next = older[Int(page)] >= 0 ? older[Int(page)] : nil
        }
        return pages
    }

    /// From the oldest to the newest.
    var all: [Int32] {
        var pages: [Int32] = []
        var next = oldest
        while let page = next {
            pages.append(page)
            next = newer[Int(page)] >= 0 ? newer[Int(page)] : nil
        }
        return pages
    }
}
