import Testing

@testable import Engine

@Suite struct PagePoolTests {
    /// Expectations can't change what they look at.
    private func allocate(_ pool: inout PagePool) throws -> Int32 {
        let page = pool.allocate()
        return try #require(page)
    }

    private func find(
        _ pool: inout PagePool, _ parent: PageLink, _ tokens: [Int32]
    ) -> (page: Int32, link: PageLink)? {
        pool.take(after: parent, tokens: tokens[...]).map { ($0.0, $0.1) }
    }

    @Test("Pages that are kept go when they are needed, the least recently used first")
    func eviction() throws {
        var pool = PagePool(pageCount: 3, positions: 2)
        var pages: [Int32] = []
        for number in Int32(0)..<3 {
            let page = try allocate(&pool)
            _ = pool.register(page, after: .scope("a"), tokens: [number, number])
            pages.append(page)
        }
        let none = pool.allocate()
        #expect(none == nil && pool.availableCount == 0)
        for page in pages { pool.release([page]) }
        #expect(pool.availableCount == 3 && pool.keptCount == 3)
        // Using one again makes it the newest.
        let again = find(&pool, .scope("a"), [0, 0])
        #expect(again?.page == pages[0])
        pool.release([pages[0]])
        let order = [try allocate(&pool), try allocate(&pool), try allocate(&pool)]
        #expect(order == [pages[1], pages[2], pages[0]])
        let gone = find(&pool, .scope("a"), [1, 1])
        #expect(gone == nil)
        #expect(pool.inconsistency(held: [pages]) == nil)
    }

    @Test("A chain's end goes before its beginning, and never leads into another chain")
    func chains() throws {
        var pool = PagePool(pageCount: 3, positions: 1)
        let first = try allocate(&pool)
        let second = try allocate(&pool)
        let link = pool.register(first, after: .scope("a"), tokens: [1])
        _ = pool.register(second, after: link, tokens: [2])
        pool.release([first, second])
        let other = try allocate(&pool)
        #expect(try allocate(&pool) == second)
        let beginning = find(&pool, .scope("a"), [1])
        #expect(beginning?.page == first && beginning?.link == link)
        let end = find(&pool, link, [2])
        let stranger = find(&pool, .scope("b"), [1])
        #expect(end == nil && stranger == nil)
        // The first page is filled anew: what came after it before is not found by it.
        pool.release([first, second, other])
        for _ in 0..<3 { _ = try allocate(&pool) }
        let renewed = pool.register(first, after: .scope("a"), tokens: [1])
        #expect(renewed != link)
    }

    @Test("Two pages of the same tokens are found as one")
    func doubles() throws {
        var pool = PagePool(pageCount: 2, positions: 1)
        let first = try allocate(&pool)
        let second = try allocate(&pool)
        let link = pool.register(first, after: .scope("a"), tokens: [1])
        #expect(pool.register(second, after: .scope("a"), tokens: [1]) == link)
        pool.release([first, second])
        #expect(pool.keptCount == 1 && pool.availableCount == 2)
        #expect(pool.inconsistency(held: []) == nil)
    }

    @Test("A registered page keeps its place when the page before it is known anew")
    func twice() throws {
        var pool = PagePool(pageCount: 4, positions: 1)
        let pages = [try allocate(&pool), try allocate(&pool), try allocate(&pool)]
        // Who computed the first page alike was first, and went.
        let old = pool.register(pages[0], after: .scope("a"), tokens: [1])
        let link = pool.register(pages[2], after: old, tokens: [2])
        pool.release([pages[0]])
        _ = (try allocate(&pool), try allocate(&pool))
        let new = pool.register(pages[1], after: .scope("a"), tokens: [1])
        #expect(new != old)
        #expect(pool.register(pages[2], after: new, tokens: [2]) == link)
        #expect(pool.inconsistency(held: [pages, [3]]) == nil)
    }

    @Test("A page is free again when the last who shares it lets go")
    func references() throws {
        var pool = PagePool(pageCount: 2, positions: 4)
        let page = try allocate(&pool)
        pool.share(page)
        #expect(pool.references(to: page) == 2)
        pool.release([page])
        #expect(pool.references(to: page) == 1 && pool.availableCount == 1)
        pool.release([page])
        #expect(pool.availableCount == 2)
        #expect(pool.pages(for: 0) == 0 && pool.pages(for: 4) == 1 && pool.pages(for: 5) == 2)
        #expect(pool.inconsistency(held: [[page]]) != nil)
    }

    /// Fills a chain of pages of two positions with the tokens from `first` on, and gives it back.
    private func chain(
        _ pool: inout PagePool, _ scope: String, from first: Int32, pages count: Int
    ) throws -> [Int32] {
        var pages: [Int32] = []
        var link = PageLink.scope(scope)
        for index in 0..<Int32(count) {
            let page = try allocate(&pool)
            let token = first + 2 * index
            link = pool.register(page, after: link, tokens: [token, token + 1])
            pages.append(page)
        }
        return pages
    }

    @Test("What is cached is told by beginnings of 1, 2, 4, 8… pages, the latest used first")
    func prefixes() throws {
        var pool = PagePool(pageCount: 16, positions: 2)
        #expect(pool.recentPrefixes(limit: 9).isEmpty)
        let long = try chain(&pool, "a", from: 0, pages: 5)
        let short = try chain(&pool, "b", from: 100, pages: 1)
        let used = try chain(&pool, "c", from: 200, pages: 1)
        pool.release(long)
        pool.release(short)
        let all = [
            CachedPrefix(caller: "c", tokens: [200, 201]),
            CachedPrefix(caller: "b", tokens: [100, 101]),
            CachedPrefix(caller: "a", tokens: [0, 1]),
            CachedPrefix(caller: "a", tokens: [0, 1, 2, 3]),
            CachedPrefix(caller: "a", tokens: Array(0..<8)),
        ]
        #expect(pool.recentPrefixes(limit: 9) == all)
        #expect(pool.recentPrefixes(limit: 3) == Array(all.prefix(3)))
        // One is used again, and the last of the long chain goes: the first of it tells more.
        let before = pool.usesCount
        let found = find(&pool, .scope("a"), [0, 1])
        #expect(found?.page == long[0] && pool.usesCount > before)
        #expect(pool.recentPrefixes(limit: 2).map(\.caller).sorted() == ["a", "c"])
        pool.release([long[0]])
        var taken: [Int32] = []
        for _ in 0..<(16 - 7 + 4) { taken.append(try allocate(&pool)) }
        let left = pool.recentPrefixes(limit: 9)
        #expect(left == [all[0], all[2], all[1]])
        #expect(pool.inconsistency(held: [used, taken]) == nil)
    }
}
