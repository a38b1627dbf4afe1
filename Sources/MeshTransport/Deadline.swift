internal import Mesh

/// Runs `body`, cancelled when it takes longer than `limit`: a task that is cancelled resets the
/// stream it waits for.
///
/// - Throws: What `body` throws, or ``LinkError/lost(_:)`` when the time is over.
package func withDeadline<R: Sendable>(
    _ limit: Duration, _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
    try await withThrowingTaskGroup(of: R.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: limit)
            throw LinkError.lost("it took too long")
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw LinkError.cancelled }
        return first
    }
}
