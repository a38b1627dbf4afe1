import Synchronization

/// A value that exists only after something which refers to it: the links' handler refers to the
/// gossip runner, which is made over the links.
final class LateBound<Value: Sendable>: Sendable {
    private let storage = Mutex<Value?>(nil)

    /// The value, once it was set.
    var value: Value? { storage.withLock { $0 } }

    func set(_ value: Value) { storage.withLock { $0 = value } }
}
