import Synchronization
import Wire

/// Tells one listener that there is news, and from whom if all of it is from one.
final class NewsBell: Sendable {
    private struct Pending {
        var isRung = false
        var teller: NodeID?
    }

    private let pending = Mutex(Pending())
    private let bell = WorkBell()

    /// - Parameter teller: Who told; nil for this machine's user.
    func ring(_ teller: NodeID?) {
        pending.withLock { pending in
            // News of one's own goes to all, whatever came beside it.
            pending.teller = pending.isRung && pending.teller == nil ? nil : teller
            pending.isRung = true
        }
        bell.ring()
    }

    /// One element for all that rang since the last. For one listener, which then calls ``take()``.
    var listening: AsyncStream<Void> { bell.listening }

    /// Who told since the last time; nil for this machine's user.
    func take() -> NodeID? {
        pending.withLock { pending in
            defer { pending = Pending() }
            return pending.teller
        }
    }
}

/// Things that several tasks take one by one.
final class SharedQueue<Element: Sendable>: Sendable {
    private let rest: Mutex<[Element]>

    init(_ elements: [Element]) { rest = Mutex(elements.reversed()) }

    func next() -> Element? { rest.withLock { $0.popLast() } }
}
