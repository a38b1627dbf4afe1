public import Wire

/// What happens next: a heap by time; events of one instant come in the order they were made.
///
/// The heap orders small records without references; the events themselves lie still in a store
/// beside it, so that nothing is retained or moved while the heap is put in order. Four children to
/// a parent make it flat: a simulation of many nodes holds one timer for each of them.
public struct EventQueue<Event: Sendable>: Sendable {
    private struct Entry: Sendable {
        var at: Int64
        var serial: UInt64
        var place: Int

        func isBefore(_ other: Entry) -> Bool {
            at != other.at ? at < other.at : serial < other.serial
        }
    }

    private var heap: [Entry] = []
    private var store: [Event?] = []
    private var free: [Int] = []
    private var serial: UInt64 = 0

    /// A queue of nothing.
    public init() {}

    /// How many events wait.
    public var count: Int { heap.count }

    /// When the next event is.
    public var next: MonotonicInstant? {
        heap.isEmpty ? nil : MonotonicInstant(nanoseconds: heap[0].at)
    }

    /// Adds an event.
    public mutating func push(_ event: Event, at: MonotonicInstant) {
        serial += 1
        let place: Int
        if let last = free.popLast() {
            place = last
            store[place] = event
        } else {
            place = store.count
            store.append(event)
        }
        heap.append(Entry(at: at.nanoseconds, serial: serial, place: place))
        heap.withUnsafeMutableBufferPointer { heap in
            // The hole moves up until its parent is no later; indices stay within the buffer,
            // since a parent's is smaller than its child's.
            var hole = heap.count - 1
            let entry = heap[hole]
            while hole > 0 {
                let parent = (hole - 1) / 4
                guard entry.isBefore(heap[parent]) else { break }
                heap[hole] = heap[parent]
                hole = parent
            }
            heap[hole] = entry
        }
    }

    /// Takes the next event.
    public mutating func pop() -> (at: MonotonicInstant, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty { sink(last) }
        free.append(first.place)
        guard let event = store[first.place].take() else {
            preconditionFailure("an entry's event is stored until the entry is taken")
        }
        return (MonotonicInstant(nanoseconds: first.at), event)
    }

    /// Puts `entry` where the first one was, and then where it belongs.
    private mutating func sink(_ entry: Entry) {
        heap.withUnsafeMutableBufferPointer { heap in
            var hole = 0
            while true {
                let firstChild = 4 * hole + 1
                guard firstChild < heap.count else { break }
                var smallest = firstChild
                for child in firstChild + 1..<min(firstChild + 4, heap.count)
                where heap[child].isBefore(heap[smallest]) {
                    smallest = child
                }
                guard heap[smallest].isBefore(entry) else { break }
                heap[hole] = heap[smallest]
                hole = smallest
            }
            heap[hole] = entry
        }
    }
}
