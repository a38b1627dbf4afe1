/// A value kept apart, so that what usually has none stays small; copies are made on writing, as of
/// any other value.
struct Boxed<Value: Sendable>: Sendable {
    // Reached only through `value`, which gives each holder an instance of its own before it writes.
    private final class Storage: @unchecked Sendable {
        var value: Value

        init(_ value: Value) { self.value = value }
    }

    private var storage: Storage

    init(_ value: Value) { storage = Storage(value) }

    var value: Value {
        _read { yield storage.value }
        _modify {
            if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.value) }
            yield &storage.value
        }
    }
}
