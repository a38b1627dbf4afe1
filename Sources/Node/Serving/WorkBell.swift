/// Tells one listener that there is work, however much came since it last listened. So that nobody
/// has to look again and again whether there is.
final class WorkBell: Sendable {
    private let rings: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (rings, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func ring() { continuation.yield() }

    /// One element for all that rang since the last. For one listener.
    var listening: AsyncStream<Void> { rings }
}
