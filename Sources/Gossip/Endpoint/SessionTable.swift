import Wire

/// The sessions of one node, by peer. Each lies by itself: a dictionary that held them inline would
/// keep room for as many again, of half a kilobyte each.
struct SessionTable: Sendable {
    // Reached only through the table, which gives each holder an instance of its own before it writes.
    private final class Box: @unchecked Sendable {
        var session: DatagramSession?

        init(_ session: DatagramSession?) { self.session = session }
    }

    private var boxes: [NodeID: Box] = [:]

    /// How many there are.
    var count: Int { boxes.count }

    /// Whom there are sessions with, in no particular order: for what is done with each by itself.
    var nodes: [NodeID] { Array(boxes.keys) }

    subscript(node: NodeID) -> DatagramSession? {
        _read {
            if let box = boxes[node] { yield box.session } else { yield nil }
        }
        _modify {
            if let index = boxes.index(forKey: node) {
                if !isKnownUniquelyReferenced(&boxes.values[index]) {
                    boxes.values[index] = Box(boxes.values[index].session)
                }
                yield &boxes.values[index].session
                if boxes.values[index].session == nil { boxes.remove(at: index) }
            } else {
                var session: DatagramSession?
                yield &session
                if let session { boxes[node] = Box(session) }
            }
        }
    }
}
