public import Wire

/// What happens next: a binary heap by time; events of one instant come in the order they were made.
public struct EventQueue<Event: Sendable>: Sendable {
    private struct Entry: Sendable {
        let at: MonotonicInstant
        let serial: UInt64
        let event: Event

        func isBefore(_ other: Entry) -> Bool {
            at != other.at ? at < other.at : serial < other.serial
        }
    }

    private var heap: [Entry] = []
    private var serial: UInt64 = 0

    /// A queue of nothing.
    public init() {}

    /// How many events wait.
    public var count: Int { heap.count }

    /// When the next event is.
    public var next: MonotonicInstant? { heap.first?.at }

    /// Adds an event.
    public mutating func push(_ event: Event, at: MonotonicInstant) {
        serial += 1
        heap.append(Entry(at: at, serial: serial, event: event))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the next event.
    public mutating func pop() -> (at: MonotonicInstant, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var smallest = parent
                for child in [2 * parent + 1, 2 * parent + 2]
                where child < heap.count && heap[child].isBefore(heap[smallest]) {
                    smallest = child
                }
                guard smallest != parent else { break }
                heap.swapAt(parent, smallest)
                parent = smallest
            }
        }
        return (first.at, first.event)
    }
}
